//! Downloads from a server on loopback that cuts, forgets, lies, is slow, and a disk that is full.

use super::*;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How the server treats one request.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// As it should.
    Well,
    /// It breaks off after so many bytes.
    CutAfter(usize),
    /// It does not know ranges and sends everything.
    Whole,
    /// It sends a little at a time.
    Slowly,
    /// It answers with this status and nothing else.
    Status(u16),
}

struct Server {
    url: String,
    /// The `range` of each request.
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 % 251) as u8).collect()
}

async fn server(content: Vec<u8>, manners: &[Manner]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/model.bin", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (manners, noted) = (manners.to_vec(), Arc::clone(&asked));
    let turn = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let place = turn.fetch_add(1, Ordering::Relaxed).min(manners.len() - 1);
            answer(socket, &content, manners[place], &noted).await;
        }
    });
    Server { url, asked }
}

async fn answer(
    socket: TcpStream,
    content: &[u8],
    manner: Manner,
    asked: &Mutex<Vec<Option<String>>>,
) {
    let mut socket = BufReader::new(socket);
    let mut range = None;
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
    }
    asked.lock().unwrap().push(range.clone());
    let from: Option<usize> = range.as_deref().and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    let total = content.len();
    let (head, body) = match (manner, from) {
        (Manner::Status(status), _) => (format!("HTTP/1.1 {status} No\r\n"), &content[..0]),
        (Manner::Whole, _) | (_, None) => ("HTTP/1.1 200 OK\r\n".to_owned(), content),
        (_, Some(from)) if from >= total => (
            format!("HTTP/1.1 416 No\r\ncontent-range: bytes */{total}\r\n"),
            &content[..0],
        ),
        (_, Some(from)) => (
            format!(
                "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-{}/{total}\r\n",
                total - 1
            ),
            &content[from..],
        ),
    };
    let head = format!(
        "{head}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A client that hangs up has what it wants to know.
    let _gone = socket.write_all(head.as_bytes()).await;
    match manner {
        Manner::CutAfter(bytes) => {
            let _gone = socket.write_all(&body[..bytes.min(body.len())]).await;
        }
        Manner::Slowly => {
            for piece in body.chunks(4096) {
                if socket.write_all(piece).await.is_err() || socket.flush().await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        Manner::Well | Manner::Whole | Manner::Status(_) => {
            let _gone = socket.write_all(body).await;
        }
    }
    let _gone = socket.flush().await;
}

fn sha1(content: &[u8]) -> String {
    use sha1::{Digest as _, Sha1};
    Sha1::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn source(server: &Server, content: &[u8]) -> Source {
    Source {
        url: server.url.clone(),
        sha1: sha1(content),
        at_most: content.len() as u64 + 1000,
    }
}

fn client() -> reqwest::Client {
    // Whichever test comes first has it installed.
    let _already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn get(source: &Source, target: &Path) -> Result<(), DownloadError> {
    fetch(&client(), source, target, |_| {}).await
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_download_arrives_whole_and_tells_how_far_it_is() {
    let content = content(1_000_000);
    let server = server(content.clone(), &[Manner::Well]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("models/model.bin");
    let told = Mutex::new(Vec::new());
    let client = client();
    fetch(&client, &source(&server, &content), &target, |step| {
        told.lock().unwrap().push(step);
    })
    .await
    .unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content);
    assert_eq!(names(target.parent().unwrap()), ["model.bin"]);
    let told = told.into_inner().unwrap();
    assert_eq!(told.first().unwrap().have, 0);
    assert_eq!(told.last().unwrap().have, 1_000_000);
    assert!(told.len() > 3, "{told:?}");
    assert!(told.iter().all(|step| step.total == Some(1_000_000)));
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_was() {
    let content = content(500_000);
    let manners = [
        Manner::CutAfter(200_000),
        Manner::CutAfter(200_000),
        Manner::Well,
    ];
    let server = server(content.clone(), &manners).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    get(&source(&server, &content), &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content);
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked[0], None);
    assert!(asked[1..].iter().all(Option::is_some), "{asked:?}");
}

#[tokio::test]
async fn what_came_before_a_line_that_stays_dead_is_kept_for_next_time() {
    let content = content(100_000);
    let dead = server(
        content.clone(),
        &[Manner::CutAfter(40_000), Manner::CutAfter(0)],
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    let cut = get(&source(&dead, &content), &target).await.unwrap_err();
    assert!(matches!(cut, DownloadError::Cut(_)), "{cut:?}");
    assert_eq!(names(folder.path()), ["model.bin.part"]);
    // Another day, and the rest is all that is asked for.
    let alive = server(content.clone(), &[Manner::Well]).await;
    get(&source(&alive, &content), &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content);
    let asked = alive.asked.lock().unwrap().clone();
    assert!(asked[0].is_some(), "{asked:?}");
}

#[tokio::test]
async fn a_server_without_ranges_begins_again() {
    let content = content(100_000);
    let server = server(content.clone(), &[Manner::CutAfter(40_000), Manner::Whole]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    get(&source(&server, &content), &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content);
}

#[tokio::test]
async fn a_part_that_is_whole_already_is_only_checked() {
    let content = content(10_000);
    let server = server(content.clone(), &[Manner::Well]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    std::fs::write(folder.path().join("model.bin.part"), &content).unwrap();
    get(&source(&server, &content), &target).await.unwrap();
    assert_eq!(names(folder.path()), ["model.bin"]);
}

#[tokio::test]
async fn something_else_than_was_documented_is_thrown_away() {
    let content = content(10_000);
    let server = server(content.clone(), &[Manner::Well]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    let wanted = Source {
        sha1: sha1(b"another file"),
        ..source(&server, &content)
    };
    let wrong = get(&wanted, &target).await.unwrap_err();
    assert!(matches!(wrong, DownloadError::WrongHash), "{wrong:?}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn something_much_larger_is_not_even_fetched() {
    let content = content(100_000);
    let server = server(content.clone(), &[Manner::Well]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    let wanted = Source {
        at_most: 5_000,
        ..source(&server, &content)
    };
    let large = get(&wanted, &target).await.unwrap_err();
    assert!(matches!(large, DownloadError::TooLarge), "{large:?}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_number() {
    let server = server(content(10), &[Manner::Status(404)]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    let refused = get(&source(&server, &content(10)), &target)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, DownloadError::Refused(404)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_cancelled_download_keeps_its_part_and_installs_nothing() {
    let content = content(4_000_000);
    let server = server(content.clone(), &[Manner::Slowly, Manner::Well]).await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("model.bin");
    let source = source(&server, &content);
    let (sender, mut far) = tokio::sync::mpsc::unbounded_channel();
    let client = client();
    {
        let download = fetch(&client, &source, &target, move |step| {
            let _unread = sender.send(step.have);
        });
        tokio::pin!(download);
        loop {
            tokio::select! {
                outcome = &mut download => panic!("it was not cancelled: {outcome:?}"),
                Some(have) = far.recv() => if have > 500_000 { break },
            }
        }
    }
    assert_eq!(names(folder.path()), ["model.bin.part"]);
    get(&source, &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), content);
}

/// A file system of one mebibyte, in a namespace of its own, is only there for a process started in it:
/// this test starts itself again there.
#[test]
fn a_full_disk_is_told_and_nothing_is_left_on_it() {
    const INSIDE: &str = "VOICE_TEST_ON_A_FULL_DISK";
    if let Some(folder) = std::env::var_os(INSIDE) {
        return on_a_full_disk(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\"";
    let run = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "models::tests::a_full_disk_is_told_and_nothing_is_left_on_it",
        ])
        .env(INSIDE, folder.path())
        .output()
        .expect("unshare is part of Linux");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{run:?}");
}

fn on_a_full_disk(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let content = content(2_000_000);
        let server = server(content.clone(), &[Manner::Well]).await;
        let target = folder.join("model.bin");
        let full = get(&source(&server, &content), &target).await.unwrap_err();
        assert!(matches!(full, DownloadError::DiskFull(_)), "{full:?}");
        assert_eq!(names(folder), [""; 0]);
    });
}

#[test]
fn the_list_is_what_the_publisher_documents() {
    let base = Model::named("base.en").unwrap();
    let source = base.source();
    assert_eq!(
        source.url,
        "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-base.en.bin"
    );
    assert_eq!(source.sha1, "137c40403d78fd54d454da0f9bd998f78703390c");
    assert!(MODELS.iter().all(|model| model.sha1.len() == 40));
    assert_eq!(Model::named("nothing"), None);
}

#[test]
fn removing_a_model_takes_its_part_along() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::named("tiny").unwrap();
    std::fs::write(folder.path().join("ggml-tiny.bin"), "x").unwrap();
    std::fs::write(folder.path().join("ggml-tiny.bin.part"), "xyz").unwrap();
    assert!(model.is_installed(folder.path()));
    assert_eq!(model.begun(folder.path()), 3);
    model.remove(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    model.remove(folder.path()).unwrap();
}
