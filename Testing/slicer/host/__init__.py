"""A strict stand-in for Slicer's application: real MRML (slicer-core), PySide6 dressed as PythonQt, few own widgets.

What runs here are *host tests*. They are no tests in Slicer: editor effects, the DICOM browser, plugins of the subject
hierarchy, packaging, CMake and PythonQt's ownership of objects don't exist here; a checklist in the modules' docs
covers them.

How a host test is written
--------------------------
::

    from host import Host

    def test_a_click_does_something(host: Host) -> None:
        panel = host.open("DeepStrokeASPECTS")
        panel.ui.segmentButton.click()
        host.wait_until(lambda: panel.ui.segmentButton.enabled)
        host.grab(panel, tmp_path / "panel.png")

* The fixture `host` skips by name without slicer-core, PySide6 or EGL. Import `Host` under TYPE_CHECKING, and
  `slicer`, `qt` and the modules' packages inside of the test functions alone.
* `host.open` loads the entry file as Slicer does and calls `setup` and `enter`; `panel.ui` holds the real widgets of
  the .ui file by their names; `wait_until` turns the event loop and raises what a slot raised; look at the picture.
* `host.open(NAME)` finds ``<root>/<NAME>/<NAME>.py``; the scene is emptied between tests, the application lives on.
* Nothing is connected that the .ui file or the module doesn't connect itself.
* `qt`, `ctk` and `slicer.qMRML...` behave as under PythonQt: `label.text` is a property (`label.text()` fails),
  `connect("clicked(bool)", slot)` refuses signals that don't exist, and unknown attributes can't be set.
* A stand-in has only members that are listed in ``names.tsv`` with the line of Slicer's source that has them.
  Who needs another member adds both. Classes that slicer-core has are real and need no entry.
* `host.views` draws slices and 3D offscreen (EGL); `host.messages` holds what `slicer.util.errorDisplay` and its
  like would have shown, `host.answers` what the user answers to questions.
* ``DEEPSTROKE_SLICER_PYTHON`` may name ``Base/Python`` of a Slicer checkout: then Slicer's own
  ScriptedLoadableModule, parameterNodeWrapper and i18n run instead of the stand-ins.

Files: `scene` (real MRML), `pythonqt` (the dress), `widgets` (stand-ins), `ui_files` (reads .ui), `application`
(slicer.app and its likes), `scripted` and `parameter_nodes` (Slicer's Python classes), `views` (rendering).
"""

from host.application import Host, start

__all__ = ["Host", "start"]
