"use strict";
// Areas and borders of the regions in one slice, drawn over the scan pixel by pixel, and their names.
(() => {
  const { view, labels: regions } = globalThis.deepstroke.facts;
  // Column and row of a picture in voxels, as it is seen: radiological, anterior or superior up, nose to the right.
  const LAYOUTS = {
    axial: { size: [0, 1], at: (x, y, k) => [view.shape[0] - 1 - x, view.shape[1] - 1 - y, k] },
    coronal: { size: [0, 2], at: (x, y, j) => [view.shape[0] - 1 - x, j, view.shape[2] - 1 - y] },
    sagittal: { size: [1, 2], at: (x, y, i) => [i, x, view.shape[2] - 1 - y] },
  };

  function sliceLabels(plane, index) {
    const layout = LAYOUTS[plane];
    const [width, height] = layout.size.map((axis) => view.shape[axis]);
    const numbers = new Uint8Array(width * height);
    for (let y = 0, n = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, n += 1) numbers[n] = globalThis.deepstroke.scan.labelAt(layout.at(x, y, index));
    }
    return { numbers, width, height };
  }

  // Fills areas with opacity `fill` and draws their borders with opacity `lines`, 0..1 each.
  function drawRegions(canvas, plane, index, fill, lines) {
    const { numbers, width, height } = sliceLabels(plane, index);
    canvas.width = width;
    canvas.height = height;
    const picture = new ImageData(width, height);
    for (let n = 0; n < numbers.length; n += 1) {
      const own = numbers[n];
      if (!own) continue;
      const border = numbers[n - 1] !== own || numbers[n + 1] !== own || numbers[n - width] !== own || numbers[n + width] !== own;
      picture.data.set([...regions[own - 1].colour, Math.round(255 * (border ? Math.max(lines, fill) : fill))], 4 * n);
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  globalThis.deepstroke.outlines = { drawRegions };
})();
