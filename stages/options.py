"""Options that few stages share; those of many are in `common`, on which the trained agent depends."""

from stages.common import path_option

embedder_option = path_option("embedder", "data/embedder", "Trained embedder, from embedder.")
