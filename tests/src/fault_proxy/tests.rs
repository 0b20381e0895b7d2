//! The proxy is judged before it judges anything.

use super::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);
const A_WHILE: Duration = Duration::from_millis(300);

/// A server that sends back what it gets, and ends when its client does.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            clients.spawn(async move {
                let (mut read, mut write) = stream.split();
                drop(tokio::io::copy(&mut read, &mut write).await);
                drop(write.shutdown().await);
            });
        }
    }));
    address
}

async fn proxied(plan: Plan) -> (FaultProxy, TcpStream) {
    let proxy = FaultProxy::start(echo().await).unwrap();
    proxy.plan(move |_| plan);
    let client = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    (proxy, client)
}

async fn echoes(client: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    client.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    timeout(SOON, client.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    back
}

#[tokio::test]
async fn without_a_plan_everything_comes_through_and_half_of_it_may_end() {
    let (proxy, mut client) = proxied(Plan::default()).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(echoes(&mut client, &bytes).await, bytes);

    client.write_all(b"the last").await.unwrap();
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, client.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();

    assert_eq!(rest, b"the last");
    assert_eq!(proxy.cuts(), 0);
}

#[tokio::test]
async fn a_cut_falls_on_its_byte_and_ends_as_planned() {
    for end in [End::Fin, End::Rst] {
        let cut = Cut {
            direction: Direction::Down,
            after: 5,
            end,
        };
        let (proxy, mut client) = proxied(Plan {
            cut: Some(cut),
            ..Plan::default()
        })
        .await;
        client.write_all(b"0123456789").await.unwrap();

        let mut came = Vec::new();
        let mut byte = [0; 1];
        let ended = loop {
            match timeout(SOON, client.read(&mut byte)).await.unwrap() {
                Ok(0) => break End::Fin,
                Ok(_) => came.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Rst,
                Err(error) => panic!("{error}"),
            }
        };

        // A reset may overtake what was on its way; nothing beyond the cut ever comes.
        assert!(b"01234".starts_with(&came), "{came:?}");
        assert!(end == End::Rst || came.len() == 5);
        assert_eq!((ended, proxy.cuts()), (end, 1));
    }
}

#[tokio::test]
async fn what_is_held_comes_when_it_is_let_go_and_what_fell_into_the_hole_does_not() {
    let (proxy, mut client) = proxied(Plan::default()).await;
    assert_eq!(echoes(&mut client, b"before").await, b"before");

    proxy.hold(Held::both());
    client.write_all(b"held").await.unwrap();
    let mut back = [0; 4];
    timeout(A_WHILE, client.read_exact(&mut back))
        .await
        .unwrap_err();
    proxy.let_go();
    timeout(SOON, client.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"held");

    proxy.hold(Held {
        black_hole: true,
        ..Held::both()
    });
    client.write_all(b"lost").await.unwrap();
    timeout(A_WHILE, client.read_exact(&mut back))
        .await
        .unwrap_err();
    proxy.let_go();
    assert_eq!(echoes(&mut client, b"then").await, b"then");
}

#[tokio::test]
async fn delay_rate_and_pieces_take_the_time_they_should() {
    let began = Instant::now();
    let (_proxy, mut client) = proxied(Plan::with_round_trip(A_WHILE)).await;
    assert_eq!(echoes(&mut client, b"far").await, b"far");
    assert!(began.elapsed() >= A_WHILE, "{:?}", began.elapsed());

    let slow = Flow {
        bytes_per_second: Some(10_000),
        piece: 1,
        ..Flow::default()
    };
    let (_proxy, mut client) = proxied(Plan {
        down: slow,
        ..Plan::default()
    })
    .await;
    let began = Instant::now();
    assert_eq!(echoes(&mut client, &[7; 200]).await, [7; 200]);
    assert!(
        began.elapsed() >= Duration::from_millis(20),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_door_is_refused_hangs_or_closes() {
    for (entry, hangs) in [(Entry::Refuse, false), (Entry::Hang, true)] {
        let plan = Plan {
            entry,
            ..Plan::default()
        };
        let (_proxy, mut client) = proxied(plan).await;
        let read = timeout(A_WHILE, client.read(&mut [0; 1])).await;
        assert_eq!(read.is_err(), hangs, "{entry:?}");
    }

    let (mut proxy, mut client) = proxied(Plan::default()).await;
    assert_eq!(echoes(&mut client, b"in").await, b"in");
    proxy.close_door().await;
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(echoes(&mut client, b"still").await, b"still");
    proxy.open_door().unwrap();
    let mut again = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    assert_eq!(echoes(&mut again, b"again").await, b"again");
}

#[test]
fn a_seed_draws_the_same_faults_again() {
    let drawn = |seed| {
        let mut draw = StdRng::seed_from_u64(seed);
        (0..50)
            .map(|_| Plan::drawn_cut(&mut draw, 10_000))
            .collect::<Vec<_>>()
    };

    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}
