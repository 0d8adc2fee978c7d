//! A MinIO with one bucket.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::error::RigError;
use crate::folder::Folder;
use crate::process::Process;
use crate::tools::{self, Tool};

/// How often it is asked whether it is there, and how long is waited between.
const ASKED: usize = 1_200;
const POLL: Duration = Duration::from_millis(50);
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// The one bucket of a [`Minio`].
const BUCKET: &str = "ark";

/// How a bucket is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// As `http://127.0.0.1:9000`.
    pub endpoint: String,
    /// Its name; it exists.
    pub name: String,
    /// Who writes.
    pub access_key: String,
    /// With which word.
    pub secret_key: String,
    /// The region that signatures name.
    pub region: String,
    /// What every key begins with, so that a bucket can be used twice; may be empty.
    pub prefix: String,
}

/// A running MinIO; it stops when it is dropped.
#[derive(Debug)]
pub struct Minio {
    process: Process,
    arguments: Vec<String>,
    port: u16,
    folder: Folder,
}

impl Minio {
    /// Builds it if needed, starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`RigError::NotAvailable`] where it would have to be built and there is no Go.
    pub async fn start() -> Result<Self, RigError> {
        tokio::task::spawn_blocking(|| tools::build(&[Tool::Minio], |_| {})).await.expect("building does not panic")?;
        let folder = Folder::new()?;
        // A bucket is a folder of the first level.
        let data = folder.file("data");
        std::fs::create_dir_all(data.join(BUCKET)).map_err(RigError::io(format!("making {}", data.display())))?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(RigError::io("looking for a free port"))?
            .port();
        let arguments = vec![
            "server".to_owned(),
            data.display().to_string(),
            "--address".to_owned(),
            format!("127.0.0.1:{port}"),
            "--quiet".to_owned(),
        ];
        let process = run(&folder, &arguments)?;
        let mut minio = Self { process, arguments, port, folder };
        minio.wait_ready().await?;
        Ok(minio)
    }

    /// Its bucket.
    pub fn bucket(&self) -> Bucket {
        Bucket {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            name: BUCKET.to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            region: "us-east-1".to_owned(),
            prefix: String::new(),
        }
    }

    /// The program that is run: static, so that an image may hold it and nothing else.
    pub fn program() -> PathBuf {
        tools::program(Tool::Minio)
    }

    /// Kills it at once, as a crash does. What was stored stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after a kill, at the same address with the same data.
    pub async fn restart(&mut self) -> Result<(), RigError> {
        self.process.kill();
        self.process = run(&self.folder, &self.arguments)?;
        self.wait_ready().await
    }

    async fn wait_ready(&mut self) -> Result<(), RigError> {
        for _ in 0..ASKED {
            if answers(self.port).await {
                return Ok(());
            }
            if !self.process.is_running() {
                return Err(self.process.failed("it ended"));
            }
            sleep(POLL).await;
        }
        Err(self.process.failed("it never said that it is ready"))
    }
}

/// Test credentials, known to everybody: it listens on the loopback only.
pub(crate) const ACCESS_KEY: &str = "rig-access";
pub(crate) const SECRET_KEY: &str = "rig-secret-word";

fn run(folder: &Folder, arguments: &[String]) -> Result<Process, RigError> {
    let home = folder.path().display().to_string();
    let environment = [
        ("MINIO_ROOT_USER", ACCESS_KEY),
        ("MINIO_ROOT_PASSWORD", SECRET_KEY),
        ("MINIO_BROWSER", "off"),
        ("MINIO_UPDATE", "off"),
        ("HOME", home.as_str()),
    ];
    Process::start(folder, "minio", &Minio::program(), arguments, &environment)
}

/// Whether the server says that it can read and write.
async fn answers(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = "GET /minio/health/cluster HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.ends_with(b"200"))
    };
    matches!(timeout(ANSWER_PATIENCE, ask).await, Ok(Ok(true)))
}
