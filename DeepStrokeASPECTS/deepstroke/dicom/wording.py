"""Words of a free-text DICOM attribute that may leave the program.

Technologists type names, numbers and dates into Series Description, so only listed words, slice thicknesses and
signs are kept; anything else becomes an ellipsis.
"""

from __future__ import annotations

import re

_KNOWN = frozenset(
    re.findall(
        r"\w+",
        """
        AC ACQ ADULT ALPHA ANGIO ARTERIAL AVERAGE AX AXIAL BASE BLOOD BONE BRAIN C CAROTID CBCT CE CEREBRAL CEREBRUM
        CIRCLE CON CONT CONTRAST COR CORONAL CRANE CRANIAL CRANIUM CT CTA CTP CTV CUTS DE DELAYED DERIVED DOSE DUAL EAR
        EMERGENCY ENHANCED EXAM FACE FINE FOSSA H HEAD HELICAL HELIX HIRES HR IAC IDOSE INFO INFRA INNER IR IV J KM KOPF
        L LOC LOCALIZER LOW LUNG MA MAR MIP MM MONO MPR NATIV NATIVE NCCT NECK NECT NO NON NORMAL O OBL OF OHNE ORBIT
        ORBITS PARA PERFUSION PLAIN POST POSTERIOR PRE PROTOCOL QUICK R RAPID RECON REFORMAT REFORMATTED REPORT ROUTINE
        S SAG SAGITTAL SCAN SCANOGRAM SCHADEL SCOUT SEQ SEQUENCE SERIES SHARP SINUS SKULL SLICE SMOOTH SOFT SPINE SPIRAL
        STANDARD STD STEREOTAXIS STROKE SUBTRACTION SUPRA SURVIEW SYNTHETIC TEMPORAL THICK THIN TISSUE TOPOGRAM TRAUMA
        UNENHANCED VENOUS VERTEX VNC VOL VOLUME VRT W WILLIS WINDOW WITH WITHOUT WO X
        """,
    )
)
_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?|[^\w\s]|_")
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d{1,3})?")
_SIGNS = frozenset("+-/.,()&_")


def publishable(text: str) -> str:
    """A description with every unknown word and long number replaced by an ellipsis.

    >>> publishable("Brain Bone 5.0 JONES 19390201")
    'Brain Bone 5.0 …'
    """
    kept: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text[:64]):
        token = match.group()
        known = token.upper() in _KNOWN or _NUMBER.fullmatch(token) or token in _SIGNS
        gap = " " if kept and match.start() > end else ""
        end = match.end()
        if known:
            kept.append(gap + token)
        elif not kept or not kept[-1].endswith("…"):
            kept.append(gap + "…")
    return "".join(kept)


def publishable_kernel(kernel: str) -> str:
    """A kernel's name, which is short and a vendor's code; anything longer is left out."""
    return kernel if re.fullmatch(r"[\w +./\-]{0,24}", kernel) else "…"
