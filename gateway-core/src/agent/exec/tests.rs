use super::process::{Ended, Ran, SoFar, run};
use super::*;
use serde_json::json;
use tempfile::TempDir;

fn environment() -> ExecEnvironment {
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    variables.push(("OPENCLAW_GATEWAY_TOKEN".to_owned(), "canary".to_owned()));
    variables.push(("SSH_AUTH_SOCK".to_owned(), "/canary".to_owned()));
    ExecEnvironment::of(variables)
}

fn read(workspace: &TempDir, arguments: Value) -> Result<ExecCommand, ExecRefusal> {
    ExecCommand::read(&arguments, workspace.path(), &environment())
}

fn command(workspace: &TempDir, words: &[&str]) -> ExecCommand {
    read(workspace, json!({"command": words})).unwrap()
}

async fn run_it(command: ExecCommand) -> Ran {
    let permit = command.permit();
    run(command, &permit, &environment(), |_| {}).await.unwrap()
}

fn workspace() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_text_is_split_into_words_and_what_only_a_shell_reads_is_refused() {
    let folder = workspace();
    let argv = |line: &str| read(&folder, json!({"command": line})).map(|command| command.argv);

    assert_eq!(argv("echo 'a  b' \"|\"").unwrap(), ["echo", "a  b", "|"]);
    for line in [
        "ls | wc",
        "ls > x",
        "ls && ls",
        "ls; ls",
        "echo $HOME",
        "echo `id`",
        "ls *.rs",
    ] {
        let refusal = argv(line).unwrap_err();
        assert!(
            matches!(refusal, ExecRefusal::Operator { .. }),
            "{line}: {refusal}"
        );
    }
    assert!(matches!(argv("echo 'a"), Err(ExecRefusal::Quote(_))));
    assert!(matches!(argv("  "), Err(ExecRefusal::Empty)));
}

#[test]
fn what_would_not_be_shown_is_not_taken() {
    let folder = workspace();
    for arguments in [
        json!({"command": ["ls"], "env": {"LD_PRELOAD": "x"}}),
        json!({"command": ["ls"], "shell": true}),
        json!({"command": 7}),
        json!({}),
    ] {
        let refusal = read(&folder, arguments).unwrap_err();
        assert!(matches!(refusal, ExecRefusal::Arguments(_)), "{refusal}");
    }
    let long = "x".repeat(LONGEST_COMMAND);
    assert!(matches!(
        read(&folder, json!({"command": ["echo", long]})),
        Err(ExecRefusal::TooLong)
    ));
    assert!(matches!(
        read(&folder, json!({"command": ["echo", "a\0b"]})),
        Err(ExecRefusal::Nul)
    ));
    let missing = read(&folder, json!({"command": ["no-such-program-here"]})).unwrap_err();
    assert!(matches!(missing, ExecRefusal::NotFound { .. }), "{missing}");
}

#[test]
fn only_folders_of_the_workspace_are_run_in() {
    let folder = workspace();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let at = |workdir: &str| read(&folder, json!({"command": ["ls"], "workdir": workdir}));

    assert!(at("sub").unwrap().cwd.ends_with("sub"));
    for outside in ["..", "/", "sub/../..", "missing"] {
        assert!(
            matches!(at(outside), Err(ExecRefusal::Folder { .. })),
            "{outside}"
        );
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/tmp", folder.path().join("link")).unwrap();
        assert!(matches!(at("link"), Err(ExecRefusal::Folder { .. })));
    }
}

#[test]
fn the_same_words_are_told_from_words_that_can_come_to_mean_something_else() {
    let folder = workspace();
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    let is_changeable = |words: &[&str]| command(&folder, words).is_changeable;

    assert!(!is_changeable(&["echo", "hello"]));
    assert!(!is_changeable(&["ls", "-l", "/usr"]));
    assert!(is_changeable(&["cat", "notes.txt"]));
    assert!(is_changeable(&["sh", "-c", "true"]));
    assert!(is_changeable(&["env", "true"]));
    assert!(runs_others("/usr/bin/python3.11") && runs_others("mawk") && !runs_others("ls"));
}

#[cfg(unix)]
#[test]
fn a_program_of_the_workspace_is_changeable_and_a_file_that_is_none_is_not_found() {
    let folder = workspace();
    program(&folder, "tool", "#!/bin/sh\n");
    std::fs::write(folder.path().join("text"), "x").unwrap();

    assert!(command(&folder, &["./tool"]).is_changeable);
    let refusal = read(&folder, json!({"command": ["./text"]})).unwrap_err();
    assert!(matches!(refusal, ExecRefusal::NotFound { .. }), "{refusal}");
    // The workspace is not searched: a name alone means a program of the system.
    let refusal = read(&folder, json!({"command": ["tool"]})).unwrap_err();
    assert!(matches!(refusal, ExecRefusal::NotFound { .. }), "{refusal}");
}

#[cfg(unix)]
fn program(folder: &TempDir, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn words_reach_the_program_as_they_are_and_no_shell_reads_them() {
    let folder = workspace();

    let ran = run_it(command(
        &folder,
        &["printf", "%s\\n", "$HOME", "a | b", "*"],
    ))
    .await;

    assert_eq!(ran.output, "$HOME\na | b\n*\n");
    assert_eq!(ran.ended, Ended::Code(0));
}

#[tokio::test]
async fn the_program_runs_in_its_folder_without_our_secrets_and_without_input() {
    let folder = workspace();

    let ran = run_it(command(&folder, &["sh", "-c", "pwd; env; cat; exit 3"])).await;

    let cwd = folder.path().canonicalize().unwrap();
    assert!(
        ran.output.starts_with(cwd.to_str().unwrap()),
        "{}",
        ran.output
    );
    assert!(
        ran.output.contains("PATH=") && !ran.output.contains("canary"),
        "{}",
        ran.output
    );
    assert!(!ran.output.contains("CARGO"), "{}", ran.output);
    assert_eq!(ran.ended, Ended::Code(3));
}

#[tokio::test]
async fn other_words_another_folder_or_another_program_than_permitted_are_not_run() {
    let folder = workspace();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let permitted = command(&folder, &["echo", "a"]);
    let permit = permitted.permit();
    let elsewhere = ExecCommand {
        cwd: permitted.cwd.join("sub"),
        ..permitted.clone()
    };
    for other in [
        command(&folder, &["echo", "b"]),
        command(&folder, &["echo", "a", ""]),
        command(&folder, &["printf", "a"]),
        elsewhere,
    ] {
        let refusal = run(other, &permit, &environment(), |_| {})
            .await
            .unwrap_err();
        assert!(matches!(refusal, ExecRefusal::Changed), "{refusal}");
    }
    assert_eq!(
        run(permitted, &permit, &environment(), |_| {})
            .await
            .unwrap()
            .output,
        "a\n"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_was_replaced_after_the_permit_is_not_run() {
    let folder = workspace();
    program(&folder, "tool", "#!/bin/sh\necho good\n");
    let permitted = command(&folder, &["./tool"]);
    let permit = permitted.permit();
    program(&folder, "tool", "#!/bin/sh\necho evil\n");

    let refusal = run(permitted, &permit, &environment(), |_| {})
        .await
        .unwrap_err();

    assert!(matches!(refusal, ExecRefusal::Changed), "{refusal}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let folder = workspace();
    let mut slow = command(&folder, &["sh", "-c", "sleep 600 & echo $!; wait"]);
    slow.time = Duration::from_millis(500);

    let ran = run_it(slow).await;

    assert_eq!(ran.ended, Ended::TimedOut);
    ends(ran.output.trim().parse().unwrap()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_program_leaves_running_ends_with_it() {
    let folder = workspace();

    let ran = run_it(command(&folder, &["sh", "-c", "sleep 600 & echo $!"])).await;

    assert_eq!(ran.ended, Ended::Code(0));
    ends(ran.output.trim().parse().unwrap()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn dropping_a_run_ends_the_program_and_all_it_started_and_leaves_no_trace() {
    let folder = workspace();
    let words = ["sh", "-c", "sleep 600 & echo $! $$; wait"];
    let running = command(&folder, &words);
    let permit = running.permit();
    let (sender, mut shown) = tokio::sync::mpsc::unbounded_channel();
    let environment = environment();
    let pids: Vec<i32> = {
        let run = run(running, &permit, &environment, move |so_far: SoFar| {
            sender.send(so_far).unwrap();
        });
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            so_far = shown.recv() => {
                let tail = so_far.unwrap().tail;
                tail.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
            }
        }
    };

    assert_eq!(pids.len(), 2);
    for pid in pids {
        ends(pid).await;
    }
}

/// Waits until there is no such process, not even one that has ended and was not collected.
#[cfg(unix)]
async fn ends(pid: i32) {
    use rustix::process::{Pid, test_kill_process};
    let pid = Pid::from_raw(pid).unwrap();
    let gone = async {
        while test_kill_process(pid).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap_or_else(|_| panic!("{pid:?} still runs"));
}

#[tokio::test]
async fn much_output_is_bounded() {
    let folder = workspace();
    let words = ["head", "-c", "5000000", "/dev/zero"];

    let ran = run_it(command(&folder, &words)).await;

    assert_eq!(ran.ended, Ended::Code(0));
    assert!(ran.output.len() < 64 * 1024, "{}", ran.output.len());
    assert!(ran.output.contains("bytes left out"));
}
