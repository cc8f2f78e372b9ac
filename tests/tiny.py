"""A tiny agent's shapes, for tests."""

from irislib.agent.config import ActorCriticConfig, AgentConfig, TokenizerConfig, WorldModelConfig

CONFIG = AgentConfig(
    resolution=64,
    num_actions=17,
    tokenizer=TokenizerConfig(32, 8, 8, 4, (1, 1, 2, 2, 2), 1, (8,)),
    world_model=WorldModelConfig(max_blocks=3, num_layers=2, num_heads=2, embed_dim=16, dropout=0.1),
    actor_critic=ActorCriticConfig(lstm_dim=8),
)
