"""CLIP: loading, image tower and text embeddings."""
