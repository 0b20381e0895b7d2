use super::*;
use std::fs;
use tempfile::TempDir;

struct Workspace {
    folder: TempDir,
    tools: WorkspaceTools,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = WorkspaceTools::new(folder.path().join("workspace"));
        fs::create_dir(folder.path().join("workspace")).unwrap();
        Self { folder, tools }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("workspace").join(name)
    }

    async fn call(&self, name: &str, arguments: Value) -> ToolResult {
        let call = ToolCall {
            id: "1".to_owned(),
            name: name.to_owned(),
            arguments,
        };
        let (progress, _shown) = ToolProgress::channel();
        self.tools
            .call(call, progress, CancellationToken::new())
            .await
    }
}

#[tokio::test]
async fn what_is_written_can_be_edited_and_read() {
    let workspace = Workspace::new();

    workspace
        .call(
            "write",
            json!({"path": "notes/today.md", "content": "buy mælk\n"}),
        )
        .await;
    workspace
        .call(
            "edit",
            json!({"path": "notes/today.md", "oldText": "mælk", "newText": "brød"}),
        )
        .await;
    let read = workspace
        .call("read", json!({"path": "./notes/today.md"}))
        .await;

    assert_eq!(read, ToolResult::ok("buy brød\n"));
    let names: Vec<_> = fs::read_dir(workspace.path("notes")).unwrap().collect();
    assert_eq!(names.len(), 1, "a temporary file was left behind");
}

#[tokio::test]
async fn a_path_that_repeats_the_workspace_is_understood() {
    let workspace = Workspace::new();
    fs::write(workspace.path("a.txt"), "a").unwrap();

    let read = workspace
        .call("read", json!({"path": workspace.path("a.txt")}))
        .await;

    assert_eq!(read, ToolResult::ok("a"));
}

#[tokio::test]
async fn no_path_leads_out() {
    let workspace = Workspace::new();
    let secret = workspace.folder.path().join("secret.txt");
    fs::write(&secret, "canary").unwrap();
    let paths = [
        "../secret.txt",
        "a/../../secret.txt",
        "/etc/passwd",
        secret.to_str().unwrap(),
        "",
        ".",
    ];

    for path in paths {
        for (tool, extra) in [("read", ""), ("write", "x"), ("edit", "canary")] {
            let arguments =
                json!({"path": path, "content": extra, "oldText": extra, "newText": "x"});
            let result = workspace.call(tool, arguments).await;
            assert!(
                result.is_error && !result.text.contains("canary"),
                "{tool} {path}"
            );
        }
    }
    assert_eq!(fs::read_to_string(secret).unwrap(), "canary");
}

#[cfg(unix)]
#[tokio::test]
async fn no_symbolic_link_leads_out() {
    let workspace = Workspace::new();
    let outside = workspace.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "canary").unwrap();
    std::os::unix::fs::symlink(&outside, workspace.path("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret.txt"), workspace.path("file.txt")).unwrap();

    for path in ["folder/secret.txt", "file.txt", "folder/new.txt"] {
        let read = workspace.call("read", json!({"path": path})).await;
        let written = workspace
            .call("write", json!({"path": path, "content": "x"}))
            .await;
        assert!(read.is_error && written.is_error, "{path}");
    }
    assert_eq!(
        fs::read_to_string(outside.join("secret.txt")).unwrap(),
        "canary"
    );
    assert!(!outside.join("new.txt").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_written_file_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let workspace = Workspace::new();

    workspace
        .call("write", json!({"path": "a", "content": ""}))
        .await;

    let mode = fs::metadata(workspace.path("a"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_edit_needs_its_passage_exactly_once() {
    let workspace = Workspace::new();
    fs::write(workspace.path("a"), "x x").unwrap();

    for old in ["x", "y", ""] {
        let result = workspace
            .call("edit", json!({"path": "a", "oldText": old, "newText": "z"}))
            .await;
        assert!(result.is_error, "{old:?}");
    }
    assert_eq!(fs::read_to_string(workspace.path("a")).unwrap(), "x x");
}

#[tokio::test]
async fn a_long_file_is_read_in_pieces() {
    let workspace = Workspace::new();
    let line = format!("{}\n", "ø".repeat(1000));
    fs::write(workspace.path("a"), line.repeat(100)).unwrap();

    let first = workspace.call("read", json!({"path": "a"})).await;
    let last = workspace
        .call("read", json!({"path": "a", "offset": 100}))
        .await;
    let one = workspace
        .call("read", json!({"path": "a", "offset": 2, "limit": 1}))
        .await;

    assert!(first.text.len() < LARGEST_SHOWN + 100);
    assert!(
        first
            .text
            .ends_with("[76 more lines; read on with offset 25]"),
        "{}",
        &first.text[first.text.len() - 60..]
    );
    assert_eq!(last.text, line);
    assert!(one.text.contains("[98 more lines"));
}

#[tokio::test]
async fn what_is_no_text_or_too_large_is_refused() {
    let workspace = Workspace::new();
    fs::write(workspace.path("bytes"), [0xff, 0xfe]).unwrap();
    fs::write(workspace.path("large"), vec![b'a'; 3 * 1024 * 1024]).unwrap();

    for path in ["bytes", "large", "absent"] {
        assert!(
            workspace.call("read", json!({"path": path})).await.is_error,
            "{path}"
        );
    }
}
