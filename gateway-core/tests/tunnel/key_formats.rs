//! Key files of other programs and other times: PuTTY's, old PEM, DSA, and security keys.

use crate::support::{Agent, Home, SshServer, dial, dial_with_steps, run};
use gateway_core::credentials::secret::KeyPassphrase;
use gateway_core::tunnel::auth::keys::KeyFileError;
use gateway_core::tunnel::{
    Credential, Outcome, Question, SignIn, SignInMemory, TunnelConfig, TunnelError, TunnelStep,
};
use std::path::Path;
use std::process::Command;

/// Writes a PuTTY key and, beside it, its public half as OpenSSH has it.
fn puttygen(path: &Path, options: &[&str], passphrase: &str) {
    let secret = path.with_extension("passphrase");
    std::fs::write(&secret, passphrase).unwrap();
    run(Command::new("puttygen")
        .args(options)
        .args(["-q", "-C", "test key", "--new-passphrase"])
        .arg(&secret)
        .arg("-o")
        .arg(path));
    let public = run(Command::new("puttygen")
        .args(["-O", "public-openssh", "--old-passphrase"])
        .arg(&secret)
        .arg(path));
    std::fs::write(format!("{}.pub", path.display()), public).unwrap();
    std::fs::remove_file(secret).unwrap();
}

#[tokio::test]
async fn putty_keys_of_both_versions_sign_in_locked_or_not() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let fast = "kdf=argon2id,memory=64,passes=1";
    let v3 = format!("version=3,{fast}");
    let table: [(&str, &[&str], &str); 8] = [
        (
            "v2-ed25519",
            &["-t", "ed25519", "--ppk-param", "version=2"],
            "",
        ),
        (
            "v2-rsa",
            &["-t", "rsa", "-b", "2048", "--ppk-param", "version=2"],
            "",
        ),
        (
            "v2-locked",
            &["-t", "ed25519", "--ppk-param", "version=2"],
            "open sesame",
        ),
        (
            "v3-ed25519",
            &["-t", "ed25519", "--ppk-param", "version=3"],
            "",
        ),
        (
            "v3-ecdsa",
            &["-t", "ecdsa", "-b", "256", "--ppk-param", "version=3"],
            "",
        ),
        (
            "v3-ecdsa-521",
            &["-t", "ecdsa", "-b", "521", "--ppk-param", "version=3"],
            "",
        ),
        (
            "v3-locked",
            &["-t", "ed25519", "--ppk-param", &v3],
            "open sesame",
        ),
        (
            "v3-rsa-locked",
            &["-t", "rsa", "-b", "2048", "--ppk-param", &v3],
            "open sesame",
        ),
    ];

    for (name, options, passphrase) in table {
        let key = home.path(&format!("{name}.ppk"));
        puttygen(&key, options, passphrase);
        server.authorize(&key);
        // What the file itself shows has to do.
        std::fs::remove_file(format!("{}.pub", key.display())).unwrap();
        let config = home.config(server.port, Some(&key));
        let mut memory = SignInMemory::default();
        if !passphrase.is_empty() {
            match dial(&config, &mut memory).await {
                Err(TunnelError::NeedsAnswer(Question::Passphrase { was_wrong, .. })) => {
                    assert!(!was_wrong);
                }
                other => panic!("{name}: {other:?}"),
            }
            memory.remember_passphrase(&key, KeyPassphrase::new("open barley"));
            match dial(&config, &mut memory).await {
                Err(TunnelError::NeedsAnswer(Question::Passphrase { was_wrong, .. })) => {
                    assert!(was_wrong);
                }
                other => panic!("{name}: {other:?}"),
            }
            memory.remember_passphrase(&key, KeyPassphrase::new(passphrase));
        }

        match dial(&config, &mut memory).await {
            Ok(tunnel) => tunnel.close().await,
            Err(error) => panic!("{name}: {error:?}\n{}", server.log()),
        }
    }
    assert_eq!(server.log().matches("Failed publickey").count(), 0);
}

/// A file, what is wrong with it, and a word that the advice holds.
type Unreadable = (&'static str, fn(&KeyFileError) -> bool, &'static str);

#[tokio::test]
async fn a_key_that_cannot_be_read_says_how_to_convert_it() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let pem = |name: &str, first: &str, cipher: &str| {
        let text = format!(
            "-----BEGIN {first} PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END {first} PRIVATE KEY-----\n"
        );
        std::fs::write(home.path(name), text).unwrap();
    };
    pem("3des", "RSA", "DES-EDE3-CBC");
    pem("aes256", "RSA", "AES-256-CBC");
    pem("ec", "EC", "AES-128-CBC");
    std::fs::write(
        home.path("old.ppk"),
        "PuTTY-User-Key-File-1: ssh-rsa\nEncryption: none\n",
    )
    .unwrap();
    for format in ["RFC4716", "PEM"] {
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "dsa", "-N", "", "-m", format, "-f"])
            .arg(home.path(&format!("dsa-{format}"))));
    }
    let table: [Unreadable; 6] = [
        (
            "3des",
            |e| matches!(e, KeyFileError::OldLock(_)),
            "ssh-keygen -p",
        ),
        (
            "aes256",
            |e| matches!(e, KeyFileError::OldLock(_)),
            "AES-256-CBC",
        ),
        (
            "ec",
            |e| matches!(e, KeyFileError::OldLock(_)),
            "ssh-keygen -p",
        ),
        (
            "old.ppk",
            |e| matches!(e, KeyFileError::OldPutty),
            "puttygen",
        ),
        ("dsa-RFC4716", |e| matches!(e, KeyFileError::Dsa), "Ed25519"),
        ("dsa-PEM", |e| matches!(e, KeyFileError::Dsa), "Ed25519"),
    ];

    for (name, is_expected, word) in table {
        let config = TunnelConfig {
            sign_in: SignIn::KeyFile(home.path(name)),
            ..home.config(server.port, None)
        };
        let error = dial(&config, &mut SignInMemory::default())
            .await
            .unwrap_err();
        let TunnelError::KeyFile { source, .. } = error else {
            panic!("{name}: {error:?}")
        };
        assert!(is_expected(&source), "{name}: {source:?}");
        assert!(source.to_string().contains(word), "{name}: {source}");
    }
}

mod security_key {
    //! A security key as an agent shows it. No such key is at hand, so a small agent of this file's
    //! own signs as one would (PROTOCOL.u2f in OpenSSH); the real sshd judges what it signs.

    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use russh::keys::PrivateKey;
    use russh::keys::ssh_key::private::{KeypairData, SkEd25519};
    use russh::keys::ssh_key::public;
    use sha2::{Digest as _, Sha256};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixListener, UnixStream};

    const TYPE: &str = "sk-ssh-ed25519@openssh.com";
    const APPLICATION: &str = "ssh:";
    /// Somebody touched the key, which sshd asks for unless it is told otherwise.
    const TOUCHED: u8 = 1;

    struct SecurityKey(SigningKey);

    fn string(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend(bytes);
    }

    fn take_string(from: &mut &[u8]) -> Vec<u8> {
        let (length, rest) = from.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (text, rest) = rest.split_at(length);
        *from = rest;
        text.to_vec()
    }

    impl SecurityKey {
        fn new() -> Self {
            Self(SigningKey::from_bytes(&rand::random()))
        }

        fn blob(&self) -> Vec<u8> {
            let mut blob = Vec::new();
            string(&mut blob, TYPE.as_bytes());
            string(&mut blob, self.0.verifying_key().as_bytes());
            string(&mut blob, APPLICATION.as_bytes());
            blob
        }

        fn sign(&self, data: &[u8], counter: u32) -> Vec<u8> {
            let mut signed = Sha256::digest(APPLICATION).to_vec();
            signed.push(TOUCHED);
            signed.extend(counter.to_be_bytes());
            signed.extend(Sha256::digest(data));
            let mut signature = Vec::new();
            string(&mut signature, TYPE.as_bytes());
            string(&mut signature, &self.0.sign(&signed).to_bytes());
            signature.push(TOUCHED);
            signature.extend(counter.to_be_bytes());
            signature
        }

        /// Writes the files that ssh-keygen -t ed25519-sk would: a handle, and no secret.
        fn write_files(&self, path: &Path) {
            let public = public::SkEd25519::new(
                public::Ed25519PublicKey(*self.0.verifying_key().as_bytes()),
                APPLICATION,
            );
            let handle = SkEd25519::new(public, TOUCHED, [7; 64]).unwrap();
            let key = PrivateKey::new(KeypairData::SkEd25519(handle), "test key").unwrap();
            std::fs::write(path, key.to_openssh(Default::default()).unwrap().as_bytes()).unwrap();
            let line = key.public_key().to_openssh().unwrap();
            std::fs::write(format!("{}.pub", path.display()), format!("{line}\n")).unwrap();
        }

        /// Answers one client of the agent until it leaves.
        async fn serve(&self, mut client: UnixStream) -> std::io::Result<()> {
            let mut counter = 0;
            loop {
                let length = client.read_u32().await?;
                let mut message = vec![0; length as usize];
                client.read_exact(&mut message).await?;
                let mut answer = Vec::new();
                match message[0] {
                    // SSH_AGENTC_REQUEST_IDENTITIES
                    11 => {
                        answer.push(12);
                        answer.extend(1u32.to_be_bytes());
                        string(&mut answer, &self.blob());
                        string(&mut answer, b"security key");
                    }
                    // SSH_AGENTC_SIGN_REQUEST
                    13 => {
                        let mut rest = &message[1..];
                        assert_eq!(take_string(&mut rest), self.blob());
                        let data = take_string(&mut rest);
                        counter += 1;
                        answer.push(14);
                        string(&mut answer, &self.sign(&data, counter));
                    }
                    _ => answer.push(5),
                }
                client
                    .write_u32(u32::try_from(answer.len()).unwrap())
                    .await?;
                client.write_all(&answer).await?;
            }
        }
    }

    #[tokio::test]
    async fn a_security_key_signs_in_through_its_agent() {
        let server = SshServer::start().await;
        let home = Home::new();
        home.trust(&server);
        let key = SecurityKey::new();
        let file = home.path("id_sk");
        key.write_files(&file);
        server.authorize(&file);
        let socket = home.path("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        let agent = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // The client leaving is how each connection ends.
                drop(key.serve(client).await);
            }
        });

        for sign_in in [
            SignIn::Automatic {
                identity_files: Vec::new(),
            },
            SignIn::KeyFile(file.clone()),
        ] {
            let config = TunnelConfig {
                agent_socket: Some(socket.clone()),
                sign_in,
                ..home.config(server.port, None)
            };
            let (tunnel, steps) = dial_with_steps(&config).await;
            match tunnel {
                Ok(tunnel) => tunnel.close().await,
                Err(error) => panic!("{error:?}\n{}", server.log()),
            }
            assert!(
                matches!(
                    steps.last(),
                    Some(TunnelStep::SignedIn {
                        method: Credential::AgentKey { .. }
                    })
                ),
                "{steps:?}"
            );
        }
        server.logs("ED25519-SK").await;
        agent.abort();
    }

    #[tokio::test]
    async fn the_file_of_a_security_key_without_its_agent_says_what_is_missing() {
        let server =
            SshServer::start_with("PasswordAuthentication no\nKbdInteractiveAuthentication no\n")
                .await;
        let home = Home::new();
        home.trust(&server);
        let file = home.path("id_sk");
        SecurityKey::new().write_files(&file);
        server.authorize(&file);
        let agent = Agent::start().await;

        let chosen = TunnelConfig {
            sign_in: SignIn::KeyFile(file.clone()),
            agent_socket: Some(agent.socket()),
            ..home.config(server.port, None)
        };
        let error = dial(&chosen, &mut SignInMemory::default())
            .await
            .unwrap_err();
        let TunnelError::KeyFile { source, .. } = error else {
            panic!("{error:?}")
        };
        assert!(matches!(source, KeyFileError::SecurityKey), "{source:?}");
        assert!(source.to_string().contains("ssh-add"));

        let found = home.config(server.port, Some(&file));
        let error = dial(&found, &mut SignInMemory::default())
            .await
            .unwrap_err();
        let TunnelError::AuthRefused { tried, .. } = error else {
            panic!("{error:?}")
        };
        assert!(
            matches!(&tried[0].outcome, Outcome::Unusable(why) if why.contains("ssh-add")),
            "{tried:?}"
        );
    }
}
