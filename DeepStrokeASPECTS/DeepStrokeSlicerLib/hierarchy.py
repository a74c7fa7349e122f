"""Where nodes stand in the subject hierarchy, which the module Data shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer


def place_in_study(node: Any, reference: Any) -> None:
    """Put a node beside the volume, under its study where it has one."""
    _place(node, _study_of(reference))


def place_in_folder(nodes: Iterable[Any], name: str, reference: Any) -> int:
    """Put nodes into a new folder beside the volume, under its study where it has one.

    Returns:
        The folder's item.
    """
    folder = int(_hierarchy().CreateFolderItem(_study_of(reference), name))
    for node in nodes:
        _place(node, folder)
    return folder


def _place(node: Any, parent: int) -> None:
    hierarchy = _hierarchy()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        hierarchy.CreateItem(parent, node)


def _study_of(reference: Any) -> int:
    hierarchy = _hierarchy()
    beside = hierarchy.GetItemByDataNode(reference)
    return int(hierarchy.GetItemParent(beside) if beside else hierarchy.GetSceneItemID())


def _hierarchy() -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
