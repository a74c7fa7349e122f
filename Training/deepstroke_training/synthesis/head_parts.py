"""The parts of the head outside the brain, as solids placed by landmarks in template mm (u: from the midline).

The landmarks follow textbook anatomy at the scale of MNI152, whose heads are larger than life: a case is scaled down.
"""

from __future__ import annotations

from deepstroke_training.synthesis.shapes import Coordinates, Field, box, ellipsoid, shell, tube, union

#: The plane through basion and opisthion: below it the skull is open for the spinal cord.
FORAMEN_MAGNUM_Z = -66.0


def skin(at: Coordinates) -> Field:
    """Distance to the surface of face, ears and neck (the cranial vault is added from the inner table)."""
    face = ellipsoid(at, (0, 26, -62), (70, 62, 72))
    brow = ellipsoid(at, (0, 50, -18), (60, 42, 30))
    nose = tube(at, [((0, 86, -30), 7), ((0, 102, -60), 11), ((0, 92, -70), 9)])
    ear = ellipsoid(at, (83, -32, -38), (5, 17, 28))
    neck = tube(at, [((0, -42, -52), 60), ((0, -34, -90), 58), ((0, -26, -150), 60)])
    return union(face, brow, nose, ear, neck)


def facial_bones(at: Coordinates) -> Field:
    """Distance to the bones of face and skull base that are thicker than the shell around the inner table."""
    orbit = union(
        tube(at, [((11, 80, -22), 4), ((34, 79, -15), 4.5), ((53, 64, -22), 4)]),
        tube(at, [((53, 64, -22), 4), ((56, 57, -38), 4.5), ((50, 62, -55), 4), ((24, 74, -58), 3.5)]),
        tube(at, [((56, 56, -36), 3), ((42, 34, -34), 2.5), ((28, 22, -34), 3)]),
        shell(box(at, (14, 34, -52), (14.6, 78, -30)), 1.2),
        shell(box(at, (16, 36, -54), (46, 74, -53.6)), 1.2),
    )
    sphenoid = union(
        shell(ellipsoid(at, (0, 17, -41), (17, 17, 10)), 2.5),
        tube(at, [((7, 24, -23), 3), ((24, 26, -19), 2.5), ((48, 26, -16), 2.5)]),
        tube(at, [((18, 14, -44), 3), ((36, 24, -36), 3), ((56, 24, -24), 3)]),
        tube(at, [((0, -6, -28), 3), ((7, -6, -28), 2.5)]),
    )
    clivus = tube(at, [((0, -8, -34), 7), ((0, -20, -52), 6), ((0, -30, -66), 4)])
    zygoma = tube(at, [((50, 62, -54), 5), ((66, 42, -54), 3.5), ((71, 18, -52), 3), ((68, -8, -50), 4)])
    maxilla = union(
        shell(ellipsoid(at, (28, 50, -68), (15, 18, 16)), 1.8),
        tube(at, [((0, 80, -88), 5), ((18, 74, -88), 6), ((27, 50, -88), 6), ((26, 34, -86), 4)]),
        box(at, (0, 32, -86), (26, 78, -83)),
        tube(at, [((0, 88, -27), 3), ((3, 98, -44), 2)]),
        box(at, (0, 36, -84), (0.8, 82, -30)),
    )
    mandible = union(
        tube(
            at, [((52, -8, -56), 5.5), ((54, 0, -70), 4.5), ((50, 6, -104), 5), ((40, 36, -118), 6), ((6, 74, -120), 6)]
        ),
        tube(at, [((54, 16, -60), 2.5), ((52, 8, -90), 4.5)]),
    )
    return union(orbit, sphenoid, clivus, zygoma, maxilla, mandible)


def petrous_bones(at: Coordinates) -> Field:
    """Distance to the petrous pyramids, the densest bone of the head, and the mastoids."""
    pyramid = tube(at, [((14, -13, -40), 4), ((30, -25, -40), 7), ((44, -31, -42), 9), ((54, -36, -44), 10)])
    mastoid = tube(at, [((57, -40, -44), 10), ((57, -40, -62), 8), ((53, -36, -72), 4)])
    return union(pyramid, mastoid)


def neck_bones(at: Coordinates) -> Field:
    """Distance to the occipital condyles, the atlas and the axis."""
    condyle = tube(at, [((15, -28, -68), 6), ((20, -42, -67), 6)])
    atlas = union(
        tube(at, [((0, -20, -80), 4), ((16, -27, -79), 6), ((23, -37, -79), 8), ((36, -40, -80), 5)]),
        tube(at, [((23, -44, -79), 5), ((15, -66, -80), 4), ((0, -72, -80), 4)]),
    )
    axis = union(
        tube(at, [((0, -30, -72), 5), ((0, -30, -96), 6)]),
        tube(at, [((0, -28, -102), 10), ((20, -36, -100), 7), ((14, -62, -106), 4), ((0, -76, -108), 5)]),
        tube(at, [((0, -24, -122), 10), ((18, -38, -122), 6), ((12, -60, -126), 4), ((0, -74, -130), 5)]),
    )
    return union(condyle, atlas, axis)


def air(at: Coordinates) -> Field:
    """Distance to the paranasal sinuses, the nose, the pharynx and the ear canals."""
    sinuses = union(
        ellipsoid(at, (8.5, 18, -41), (7, 13, 8)),
        ellipsoid(at, (28, 50, -68), (15, 18, 16)),
        box(at, (2, 36, -48), (12, 74, -32)),
    )
    nose = union(box(at, (1.5, 34, -82), (5, 84, -50)), tube(at, [((5, 84, -62), 4), ((5, 102, -68), 4)]))
    pharynx = tube(at, [((0, 24, -66), 9), ((0, 6, -82), 8), ((0, 2, -150), 8)])
    ear = union(tube(at, [((46, -26, -44), 4), ((88, -28, -44), 3)]), ellipsoid(at, (44, -27, -40), (4, 5, 6)))
    return union(sinuses, nose, pharynx, ear)


def frontal_sinus(at: Coordinates) -> Field:
    """Distance to the frontal sinus, which not everybody has."""
    return ellipsoid(at, (9, 79, -17), (9, 3.5, 10))


def air_cells(at: Coordinates) -> Field:
    """Distance to the honeycombed bone: mastoid cells and ethmoid."""
    mastoid = ellipsoid(at, (57, -40, -52), (8, 11, 17))
    return union(mastoid, box(at, (2, 36, -48), (12, 74, -32)))


def orbits(at: Coordinates) -> Field:
    """Distance to the fat-filled orbital cones."""
    return tube(at, [((33, 62, -37), 17), ((30, 50, -36), 15), ((22, 30, -33), 4)])


def globes(at: Coordinates) -> Field:
    """Distance to the eyeballs."""
    return ellipsoid(at, (33, 67, -37), (12.5, 12.5, 12.5))


def lenses(at: Coordinates) -> Field:
    """Distance to the lenses of the eyes."""
    return ellipsoid(at, (33, 76, -37), (4.6, 2.2, 4.6))


def orbital_cords(at: Coordinates) -> Field:
    """Distance to the optic nerves and the straight muscles of the eyes."""
    nerve = tube(at, [((33, 54, -37), 2.2), ((21, 28, -32), 2.0)])
    apex = (21.0, 28.0, -33.0)
    muscles = [
        tube(at, [(apex, 1.0), (belly, 2.2), (insertion, 0.8)])
        for belly, insertion in (
            ((18, 52, -37), (21, 66, -37)),
            ((43, 50, -37), (46, 66, -37)),
            ((28, 48, -25), (33, 66, -25)),
            ((28, 48, -47), (33, 66, -49)),
        )
    ]
    return union(nerve, *muscles)


def muscles(at: Coordinates) -> Field:
    """Distance to the muscles of mastication and of the neck."""
    return union(
        ellipsoid(at, (62, 8, -16), (20, 46, 46)),
        ellipsoid(at, (60, 20, -86), (8, 16, 28)),
        ellipsoid(at, (38, 14, -72), (11, 15, 17)),
        ellipsoid(at, (16, -82, -82), (15, 17, 26)),
        ellipsoid(at, (34, -70, -80), (14, 22, 24)),
        ellipsoid(at, (20, -70, -125), (30, 22, 40)),
        tube(at, [((58, -42, -70), 9), ((54, -30, -130), 10)]),
        ellipsoid(at, (10, -12, -92), (9, 7, 34)),
        ellipsoid(at, (0, 40, -108), (24, 34, 18)),
        ellipsoid(at, (18, -104, -50), (20, 6, 18)),
    )


def spinal_canal(at: Coordinates) -> Field:
    """Distance to the canal below the foramen magnum."""
    return tube(at, [((0, -47, -60), 14), ((0, -48, -74), 12), ((0, -46, -90), 10), ((0, -42, -150), 10)])


def spinal_cord(at: Coordinates) -> Field:
    """Distance to the cord and lower medulla."""
    return tube(at, [((0, -45, -60), 7), ((0, -47, -78), 6), ((0, -43, -150), 6)])


def middle_cerebral_arteries(at: Coordinates) -> Field:
    """Distance to the M1 segments of the middle cerebral arteries and their first branches, from their centre line."""
    return tube(
        at,
        [((6, 2, -17), 0), ((14, 4, -16), 0), ((24, 5, -15), 0), ((34, 4, -13), 0), ((41, 1, -8), 0), ((43, -6, 2), 0)],
    )


def basal_arteries(at: Coordinates) -> Field:
    """Distance to the centre lines of the internal carotid and basilar arteries."""
    carotid = tube(at, [((12, 8, -34), 0), ((11, 12, -26), 0), ((7, 3, -18), 0)])
    basilar = tube(at, [((0, -20, -48), 0), ((0, -17, -34), 0), ((0, -12, -22), 0)])
    return union(carotid, basilar)
