"""Training of the demo checkpoint: a small CLIP that serves both as f and as g of CaR."""
