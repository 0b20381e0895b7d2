//! What must hold of any text as `openclaw.json`.

use super::super::document::Document;
use super::*;
use crate::config::Platform;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let path = Path::new("/home/me/.openclaw/openclaw.json");
    let theirs = json5::from_str::<Value>(&text).ok();
    let ours = Document::parse(text.clone());
    match &ours {
        Ok(document) => {
            // The crate has the last word on what a text means.
            assert_eq!(Some(document.value()), theirs);
            a_change_leaves_the_rest(document);
        }
        Err(fault) => {
            assert!(fault.offset <= text.len());
            let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
            assert!((1..=lines).contains(&fault.line), "{fault}");
        }
    }
    let environment = Environment::new(
        [] as [(&str, &str); 0],
        Some(PathBuf::from("/home/me")),
        Platform::Xdg,
    );
    match OfficialConfig::from_text(&environment, path.to_owned(), text) {
        Ok(config) => {
            assert!(ours.is_ok());
            let prefill = config.prefill();
            assert!(
                prefill.local_port != 0 && prefill.remote_port != 0,
                "{prefill:?}"
            );
            // One way to reach it, never a bit of both.
            assert!(prefill.url.is_none() || prefill.address.is_none());
        }
        Err(problem) => assert_eq!(problem.path, path),
    }
}

/// Setting one value changes that one, and no byte outside the place of it.
fn a_change_leaves_the_rest(document: &Document) {
    let key = steps("gateway.remote.sshTarget");
    let wanted = Value::from("me@box");
    let Ok(edits) = document.edits_to_set(&key, &wanted) else {
        return;
    };
    let changed = match document.set(&key, &wanted) {
        Ok(changed) => changed,
        Err(error) => panic!("{error}: {error:?}"),
    };
    assert_eq!(changed.get(&key), Some(wanted));
    let old = document.text();
    let (first, last) = match (edits.first(), edits.last()) {
        (Some(first), Some(last)) => (first.range.start, last.range.end),
        (None, _) | (_, None) => return,
    };
    assert!(changed.text().starts_with(&old[..first]));
    assert!(changed.text().ends_with(&old[last..]));
    for other in ["gateway.port", "gateway.mode", "models"] {
        let other = steps(other);
        assert_eq!(document.get(&other), changed.get(&other), "{other:?}");
    }
    match changed.remove(&key) {
        Ok(removed) => assert_eq!(removed.get(&key), None),
        Err(error) => panic!("{error}: {error:?}"),
    }
}
