"""Names for what some games show. Other games have numbered colours.

Colours and regions were read off the screens of games with 210 rows of 160 pixels.
"""

from functools import cache

from irislib.worlds.atari.things import Thing, Things, numbered_colours

_COURT = (34, 0, 194, 160)
_RING = (24, 24, 188, 136)
_BETWEEN = (32, 8, 210, 152)  # Breakout's field, between the walls

# White is the ball between the walls, and a wall above and below.
PONG = Things(
    (
        Thing("player", 200, _COURT),
        Thing("opponent", 56, _COURT),
        Thing("ball", 14, _COURT),
        Thing("wall", 14, (24, 0, 34, 160)),
        Thing("wall", 14, (194, 0, 210, 160)),
    ),
    display=((0, 24),),
)

# Red is the ball, the player's paddle, the uppermost row of bricks and the foot of the right wall. A ball
# that touches the paddle or flies through that row is not told from it. Bricks stand here from the lowest row
# up: where two rows fill equal parts of a square, the first is taken, and so each row has squares of its own.
BREAKOUT = Things(
    (
        Thing("ball", 70, _BETWEEN),
        Thing("player", 70, (189, 8, 193, 152)),
        Thing("blue brick", 134, _BETWEEN),
        Thing("green brick", 198, _BETWEEN),
        Thing("yellow brick", 22, _BETWEEN),
        Thing("brown brick", 38, _BETWEEN),
        Thing("orange brick", 54, _BETWEEN),
        Thing("red brick", 70, (57, 8, 63, 152)),
        Thing("wall", 6, (17, 0, 210, 160)),
        Thing("wall", 182),
        Thing("wall", 70, (189, 152, 210, 160)),
    ),
    display=((0, 17),),
)

# Black is also the edge of the screen, and both boxers' colours are those of their scores.
BOXING = Things(
    (Thing("player", 12, _RING), Thing("opponent", 0, _RING), Thing("rope", 40)),
    display=((0, 24), (189, 210)),
)

NAMED = {"Pong": PONG, "Breakout": BREAKOUT, "Boxing": BOXING}


@cache
def things_of(game: str) -> Things:
    """What the colours of a game mean. Raises IrislibError (no ale-py) or ParamError (no such game)."""
    return NAMED[game] if game in NAMED else numbered_colours(game)
