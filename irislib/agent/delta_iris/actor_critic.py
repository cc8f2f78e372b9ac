"""Δ-IRIS's policy and value function; it sees the frames themselves, not their reconstructions."""

from jaxtyping import Float
from torch import Tensor, nn

from irislib.agent.actor_critic import Recurrent, State
from irislib.agent.delta_iris.buckets import BUCKETS, mean_of
from irislib.agent.delta_iris.config import DeltaIrisAgentConfig
from irislib.tokenizers.delta_iris.nets import FrameEncoder


class DeltaActorCritic(Recurrent):
    """Frames float [B,3,H,W] in [0,1] to action logits and a value; names as in the official one."""

    def __init__(self, config: DeltaIrisAgentConfig) -> None:
        super().__init__()
        sizes, net = config.actor_critic, config.actor_critic.frame_encoder
        height, width = (side // net.reduction for side in config.frame)
        self.two_hot = sizes.two_hot_values
        self.cnn = FrameEncoder(net)
        self.lstm = nn.LSTMCell(net.latent_dim * height * width, sizes.lstm_dim)
        self.actor_linear = nn.Linear(sizes.lstm_dim, config.num_actions)
        self.critic_linear = nn.Linear(sizes.lstm_dim, BUCKETS if self.two_hot else 1)

    def forward(
        self, frames: Float[Tensor, "b 3 y x"], state: State
    ) -> tuple[Float[Tensor, "b actions"], Float[Tensor, " b"], State]:
        """Returns action logits, values and the next state."""
        x = self.cnn(frames).movedim(1, -1).flatten(1)
        h, c = self.lstm(x, (state.h, state.c))
        values = self.critic_linear(h)
        return self.actor_linear(h), mean_of(values) if self.two_hot else values[:, 0], State(h, c)
