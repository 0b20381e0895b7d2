//! Reading from a socket that is ready, without asking an emptied one again.

use std::io;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Reads with `read`, which has room for `room` bytes. A read that leaves room has emptied the socket:
/// it is not called ready again before more comes, which saves a system call that brings nothing.
///
/// # Errors
/// Those of `read`; `WouldBlock` when nothing is there.
pub(super) fn read_ready(
    socket: &TcpStream,
    room: usize,
    read: impl FnOnce(&TcpStream) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut brought = None;
    let told = socket.try_io(Interest::READABLE, || {
        let length = read(socket)?;
        brought = Some(length);
        match length {
            // The runtime takes this as "not ready", of the readiness from before the read: what
            // comes meanwhile counts. The end of the data is not forgotten by it.
            1.. if length < room => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    });
    match (brought, told) {
        (Some(length), _) => Ok(length),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    async fn read(socket: &TcpStream, room: usize) -> usize {
        let mut buffer = vec![0; room];
        socket.readable().await.unwrap();
        read_ready(socket, room, |socket| socket.try_read(&mut buffer)).unwrap()
    }

    #[tokio::test]
    async fn an_emptied_socket_is_not_ready_until_more_comes() {
        let (near, mut far) = pair().await;
        far.write_all(b"abc").await.unwrap();

        assert_eq!(read(&near, 2).await, 2);
        assert_eq!(read(&near, 2).await, 1);
        // Real time: nothing can be told apart from something that is late otherwise.
        let wait = timeout(Duration::from_millis(50), near.readable());
        wait.await.unwrap_err();

        far.write_all(b"d").await.unwrap();
        assert_eq!(read(&near, 2).await, 1);
    }

    #[tokio::test]
    async fn the_end_that_came_with_the_last_bytes_is_read_too() {
        let (near, mut far) = pair().await;
        far.write_all(b"abc").await.unwrap();
        far.shutdown().await.unwrap();

        assert_eq!(read(&near, 8).await, 3);
        assert_eq!(read(&near, 8).await, 0);
    }
}
