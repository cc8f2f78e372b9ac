"""Options that few stages share."""

from stages.common import path_option

embedder_option = path_option("embedder", "data/embedder", "Trained embedder, from embedder.")
