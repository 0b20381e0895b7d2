//! How a session behaves with a gateway that is played in memory, on a paused clock.

mod handshake;
mod live;
