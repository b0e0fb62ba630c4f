"""The network: 3D DenseNet with position-channel attention and three heads, and its losses."""
