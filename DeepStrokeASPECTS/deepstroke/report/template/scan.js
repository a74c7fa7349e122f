"use strict";
// The page's own copy of the scan: unpacking, what lies where, and the mirrored scan. Nothing here touches the screen.
(() => {
  const { view, labels: names } = globalThis.deepstroke.facts;
  const HEADER = 352;
  let hu, labels;

  async function unpack(id) {
    const text = document.getElementById(id).textContent;
    const packed = new Blob([Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : decoded(text)]);
    return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }

  function decoded(text) {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let n = 0; n < bytes.length; n += 1) bytes[n] = characters.charCodeAt(n);
    return bytes;
  }

  const indexOf = ([i, j, k]) => i + view.shape[0] * (j + view.shape[1] * k);
  const inside = (at) => at.every((value, axis) => value >= 0 && value < view.shape[axis]);
  const labelAt = (at) => labels[indexOf(at)];

  // Mean HU of five by five pixels of a slice; null where they leave the picture.
  function huAround([i, j, k]) {
    let sum = 0, count = 0;
    for (let dj = -2; dj <= 2; dj += 1) {
      for (let di = -2; di <= 2; di += 1) {
        const at = [i + di, j + dj, k];
        if (inside(at)) { sum += hu[indexOf(at)]; count += 1; }
      }
    }
    return count ? sum / count + view.lowest_hu : null;
  }

  function mirrorOf(at) {
    const m = view.ijk_to_mirror;
    return m && [0, 1, 2].map((row) => Math.round(m[4 * row] * at[0] + m[4 * row + 1] * at[1] + m[4 * row + 2] * at[2] + m[4 * row + 3]));
  }

  // The scan reflected about the plane between the hemispheres, on the same grid (linear interpolation).
  function mirroredScan(scan) {
    const copy = new Uint8Array(scan.slice(0));
    const [ni, nj, nk] = view.shape, m = view.ijk_to_mirror;
    const steps = [0, 1, ni, ni + 1, ni * nj, ni * nj + 1, ni * nj + ni, ni * nj + ni + 1];
    for (let k = 0, n = HEADER; k < nk; k += 1) {
      for (let j = 0; j < nj; j += 1) {
        let x = m[1] * j + m[2] * k + m[3], y = m[5] * j + m[6] * k + m[7], z = m[9] * j + m[10] * k + m[11];
        for (let i = 0; i < ni; i += 1, n += 1, x += m[0], y += m[4], z += m[8]) {
          const x0 = Math.floor(x), y0 = Math.floor(y), z0 = Math.min(Math.max(Math.floor(z), 0), nk - 2);
          if (x0 < 0 || y0 < 0 || x0 > ni - 2 || y0 > nj - 2 || z < -0.5 || z > nk - 0.5) { copy[n] = 0; continue; }
          const fx = x - x0, fy = y - y0, fz = Math.min(Math.max(z - z0, 0), 1);
          const at = x0 + ni * (y0 + nj * z0);
          const low = (hu[at] * (1 - fx) + hu[at + 1] * fx) * (1 - fy) + (hu[at + steps[2]] * (1 - fx) + hu[at + steps[3]] * fx) * fy;
          const high = (hu[at + steps[4]] * (1 - fx) + hu[at + steps[5]] * fx) * (1 - fy) + (hu[at + steps[6]] * (1 - fx) + hu[at + steps[7]] * fx) * fy;
          copy[n] = Math.round(low * (1 - fz) + high * fz);
        }
      }
    }
    return copy.buffer;
  }

  // Of each label the slice with most of it, and its centre there.
  function placesOfLabels() {
    const [ni, nj, nk] = view.shape;
    const areas = names.map(() => Array.from({ length: nk }, () => [0, 0, 0]));
    for (let k = 0, n = 0; k < nk; k += 1) {
      for (let j = 0; j < nj; j += 1) {
        for (let i = 0; i < ni; i += 1, n += 1) {
          if (!labels[n]) continue;
          const sums = areas[labels[n] - 1][k];
          sums[0] += 1; sums[1] += i; sums[2] += j;
        }
      }
    }
    return areas.map((slices) => {
      const k = slices.reduce((best, sums, index) => (sums[0] > slices[best][0] ? index : best), 0);
      const [count, i, j] = slices[k];
      return count ? [Math.round(i / count), Math.round(j / count), k] : null;
    });
  }

  // Fetches scan and labels from the page; answers with the scan as a NIfTI file in memory.
  async function open() {
    const [scan, regions] = await Promise.all([unpack("packed-ct"), unpack("packed-labels")]);
    hu = new Uint8Array(scan, HEADER);
    labels = new Uint8Array(regions, HEADER);
    return scan;
  }

  globalThis.deepstroke.scan = { open, labelAt, huAround, mirrorOf, mirroredScan, placesOfLabels };
})();
