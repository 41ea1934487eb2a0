"""Annotating an image beyond a single run: lists of queries, frames of large or deep images, hand edits, files.

Nothing here knows napari or Qt.
"""
