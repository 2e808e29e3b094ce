"""Pictures of graphs and networks as SVG and as pages."""
