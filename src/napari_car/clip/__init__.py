"""CLIP: checkpoints, loading, image tower and text embeddings."""
