"""The napari plugin: a dock widget over the headless engine. Only this package imports napari or Qt."""
