//! Azurite, Azure's own emulator of its blob storage (npm `azurite`), as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use hyper::{Method, Request};
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;

/// The only container.
pub const CONTAINER: &str = "lake";

/// The account and the key that every Azurite has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running emulator; it ends with the value.
pub struct Azurite {
    child: Child,
    port: u16,
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Azurite {
    /// Starts one on a free port, or says why the test is skipped. `MARQUETRY_AZURITE` names the
    /// program; without it, `azurite-blob` is looked for where programs are.
    pub fn start() -> Option<Self> {
        let named = std::env::var_os("MARQUETRY_AZURITE");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(named.clone().unwrap_or_else(|| "azurite-blob".into()));
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.args(["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"]);
        let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if named.is_some() => panic!("MARQUETRY_AZURITE does not start: {error}"),
            Err(_) => {
                println!("skipped: no `azurite-blob` is at hand (npm `azurite`), and MARQUETRY_AZURITE names none");
                return None;
            }
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let listens = lines.any(|line| line.contains("successfully listens"));
        let azurite = Self { child, port };
        assert!(listens, "Azurite ended before it listened");
        // What it still says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        azurite.create_container();
        Some(azurite)
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/{ACCOUNT}", self.port)
    }

    /// The environment that points the usual tools at it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = format!(
            "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={};",
            self.endpoint()
        );
        vec![("AZURE_STORAGE_CONNECTION_STRING", text)]
    }

    /// The object store's client creates no containers: one request, signed by its authorizer.
    fn create_container(&self) {
        let url = format!("{}/{CONTAINER}?restype=container", self.endpoint());
        let mut request = Request::builder().method(Method::PUT).uri(url).body(HttpRequestBody::empty()).unwrap();
        let key = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
        AzureAuthorizer::new(&key, ACCOUNT).authorize(&mut request);
        let mut text = format!("PUT {} HTTP/1.1\r\n", request.uri().path_and_query().unwrap());
        text.push_str(&format!("Host: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n", self.port));
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        text.push_str("\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}
