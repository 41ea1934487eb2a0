"""Correcting labels by hand: what each tool changes on one plane, instances, and what of a label is a person's work.

Tools take a plane of labels, (H, W), 0 = background, and return the smallest block of it that changes, or None. They
never change the plane itself, so what they return can be shown first, and written as one step that can be undone.
"""
