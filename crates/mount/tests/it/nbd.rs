//! The NBD server against a client of our own, against hostile ones, and against qemu's (skipped, and said so, where that is absent).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mount::nbd::{Export, Limits, ListenError, Listener, Server};
use proptest::prelude::*;
use pxar::ReadAt;

use crate::rig::noise;

const SIZE: usize = (9 << 20) + 123;
/// As it is offered: with whole sectors.
const OFFERED: usize = (9 << 20) + 512;
const NAME: &str = "drive-scsi0.img";
const OPT: u64 = 0x4948_4156_454f_5054;
const MIB: u32 = 1 << 20;

/// Reads fail in the last MiB.
struct Image(Vec<u8>);

impl ReadAt for Image {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.0.len() as u64 - offset <= u64::from(MIB) && !self.0.ends_with(b"whole") {
            return Err(io::Error::other("a chunk is damaged"));
        }
        // Short reads, as chunks give them.
        let len = buf.len().min(100_000);
        self.0.read_at(&mut buf[..len], offset)
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }
}

struct Rig {
    server: Server,
    folder: tempfile::TempDir,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Rig {
    fn new(image: Vec<u8>, limits: Limits) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let listener = Listener::unix(&folder.path().join("socket")).unwrap();
        Rig::on(listener, folder, image, limits)
    }

    fn on(listener: Listener, folder: tempfile::TempDir, image: Vec<u8>, limits: Limits) -> Rig {
        let export = Export {
            name: NAME.to_owned(),
            description: "vm/100".to_owned(),
            image: Arc::new(Image(image)),
        };
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&complaints);
        let complain = Arc::new(move |error: &(dyn std::error::Error + 'static)| {
            list.lock().unwrap().push(error.to_string());
        });
        Rig {
            server: Server::start(listener, export, limits, complain).unwrap(),
            folder,
            complaints,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn connect(&self) -> Client<UnixStream> {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Client(stream)
    }

    /// A client that has chosen the export.
    fn reader(&self) -> Client<UnixStream> {
        let mut client = self.connect();
        client.greet(3);
        client.option(7, &info(NAME, &[]));
        while client.reply().1 != 1 {}
        client
    }
}

fn image() -> Vec<u8> {
    let mut image = noise(3, SIZE - 5);
    image.extend(b"whole");
    image
}

/// With the zeroes that clients see behind the end.
fn offered() -> Vec<u8> {
    let mut image = image();
    image.resize(OFFERED, 0);
    image
}

fn rig() -> Rig {
    Rig::new(image(), Limits::default())
}

struct Client<S>(S);

impl<S: Read + Write> Client<S> {
    fn greet(&mut self, flags: u32) {
        let mut greeting = [0; 18];
        self.0.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"NBDMAGICIHAVEOPT\0\x03");
        self.0.write_all(&flags.to_be_bytes()).unwrap();
    }

    fn option(&mut self, number: u32, data: &[u8]) {
        let mut bytes = OPT.to_be_bytes().to_vec();
        bytes.extend(number.to_be_bytes());
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        self.0.write_all(&bytes).unwrap();
    }

    /// Option, kind and data of a reply.
    fn reply(&mut self) -> (u32, u32, Vec<u8>) {
        let mut head = [0; 20];
        self.0.read_exact(&mut head).unwrap();
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        assert_eq!(head[..8], 0x0003_e889_0455_65a9_u64.to_be_bytes());
        let mut data = vec![0; number(16) as usize];
        self.0.read_exact(&mut data).unwrap();
        (number(8), number(12), data)
    }

    fn request(&mut self, flags: u16, command: u16, offset: u64, len: u32) {
        let mut bytes = 0x2560_9513_u32.to_be_bytes().to_vec();
        bytes.extend(flags.to_be_bytes());
        bytes.extend(command.to_be_bytes());
        bytes.extend(*b"a cookie");
        bytes.extend(offset.to_be_bytes());
        bytes.extend(len.to_be_bytes());
        self.0.write_all(&bytes).unwrap();
    }

    /// The error of an answer.
    fn answer(&mut self) -> u32 {
        let mut head = [0; 16];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!(head[..4], 0x6744_6698_u32.to_be_bytes());
        assert_eq!(&head[8..], b"a cookie");
        u32::from_be_bytes(head[4..8].try_into().unwrap())
    }

    fn read(&mut self, offset: u64, len: u32) -> Result<Vec<u8>, u32> {
        self.request(0, 0, offset, len);
        match self.answer() {
            0 => {
                let mut data = vec![0; len as usize];
                self.0.read_exact(&mut data).unwrap();
                Ok(data)
            }
            error => Err(error),
        }
    }

    /// The server hangs up, without another word.
    #[track_caller]
    fn is_hung_up_on(&mut self) {
        let mut rest = Vec::new();
        let end = self.0.read_to_end(&mut rest);
        let reset = |e: io::Error| e.kind() == io::ErrorKind::ConnectionReset;
        assert!(end.map(|n| n == 0).unwrap_or_else(reset), "{rest:?}");
    }
}

fn info(name: &str, wanted: &[u16]) -> Vec<u8> {
    let mut data = (name.len() as u32).to_be_bytes().to_vec();
    data.extend(name.as_bytes());
    data.extend((wanted.len() as u16).to_be_bytes());
    wanted
        .iter()
        .for_each(|kind| data.extend(kind.to_be_bytes()));
    data
}

#[test]
fn options_and_their_answers() {
    const UNSUPPORTED: u32 = 0x8000_0001;
    const INVALID: u32 = 0x8000_0003;
    const UNKNOWN: u32 = 0x8000_0006;
    const TOO_BIG: u32 = 0x8000_0009;
    let rig = rig();
    let mut client = rig.connect();
    client.greet(3);
    client.option(3, b"");
    let mut listed = (NAME.len() as u32).to_be_bytes().to_vec();
    listed.extend(NAME.as_bytes());
    listed.extend(b"vm/100");
    assert_eq!(client.reply(), (3, 2, listed));
    assert_eq!(client.reply(), (3, 1, vec![]));
    for (number, data, error) in [
        (3, vec![0], INVALID),
        (5, vec![], UNSUPPORTED),
        (8, vec![], UNSUPPORTED),
        (10, info(NAME, &[]), UNSUPPORTED),
        (77, vec![1; 300], UNSUPPORTED),
        (6, vec![], INVALID),
        (6, vec![0xff; 50], INVALID),
        (7, info("other", &[]), UNKNOWN),
        (6, vec![0; 10_000], TOO_BIG),
    ] {
        client.option(number, &data);
        assert_eq!(client.reply(), (number, error, vec![]), "{data:?}");
    }
    client.option(6, &info("", &[1, 2, 3]));
    let mut size = vec![0, 0];
    size.extend((OFFERED as u64).to_be_bytes());
    size.extend(263u16.to_be_bytes());
    assert_eq!(client.reply(), (6, 3, size.clone()));
    let blocks = b"\0\x03\0\0\0\x01\0\x01\0\0\0\x40\0\0".to_vec();
    assert_eq!(client.reply(), (6, 3, blocks));
    assert_eq!(client.reply().2, [b"\0\x01", NAME.as_bytes()].concat());
    assert_eq!(client.reply().2, b"\0\x02vm/100");
    assert_eq!(client.reply(), (6, 1, vec![]));
    client.option(7, &info(NAME, &[]));
    assert_eq!(client.reply(), (7, 3, size));
    assert_eq!(client.reply().1, 3);
    assert_eq!(client.reply(), (7, 1, vec![]));
    assert_eq!(client.read(0, 4).unwrap(), image()[..4]);
    client.request(0, 2, 0, 0);
    client.is_hung_up_on();

    let mut client = rig.connect();
    client.greet(3);
    client.option(2, b"");
    assert_eq!(client.reply(), (2, 1, vec![]));
    client.is_hung_up_on();
}

#[test]
fn the_old_way_to_choose_an_export() {
    let rig = rig();
    for (flags, padding) in [(1, 124), (3, 0)] {
        let mut client = rig.connect();
        client.greet(flags);
        client.option(1, NAME.as_bytes());
        let mut answer = vec![0; 10 + padding];
        client.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..8], (OFFERED as u64).to_be_bytes());
        assert_eq!(client.read(5, 9).unwrap(), image()[5..14]);
    }
    let mut client = rig.connect();
    client.greet(3);
    client.option(1, b"other");
    client.is_hung_up_on();
}

#[test]
fn requests_and_their_answers() {
    let rig = rig();
    let image = offered();
    let mut client = rig.reader();
    let end = OFFERED as u64;
    for (offset, len) in [
        (0, 1),
        (0, 0),
        (end, 0),
        (end - 1, 1),
        (SIZE as u64 - 10, 30),
        (12_345, 300_000),
        // more than one block of the server
        (1, 9 * MIB),
    ] {
        let data = client.read(offset, len).unwrap();
        assert!(
            data == image[offset as usize..][..len as usize],
            "{offset} {len}"
        );
    }
    for (offset, len) in [
        (end, 1),
        (end - 1, 2),
        (u64::MAX, 1),
        (u64::MAX, u32::MAX),
        (0, u32::MAX),
    ] {
        assert_eq!(client.read(offset, len), Err(22), "{offset} {len}");
    }
    for (flags, command, error) in [
        (0, 3, 0),   // flush
        (0, 4, 1),   // trim
        (0, 6, 1),   // write zeroes
        (0, 5, 22),  // cache, never offered
        (0, 99, 22), // unknown
        (4, 0, 22),  // a read with a flag that was never offered
    ] {
        client.request(flags, command, 0, 512);
        assert_eq!(client.answer(), error, "{command}");
    }
    // The data of a refused write is passed over.
    for len in [0, 1, 3_000_000] {
        client.request(0, 1, 0, len);
        client.0.write_all(&vec![0x25; len as usize]).unwrap();
        assert_eq!(client.answer(), 1);
    }
    assert_eq!(client.read(7, 3).unwrap(), image[7..10]);
}

#[test]
fn an_image_that_cannot_be_read() {
    let rig = Rig::new(noise(4, SIZE), Limits::default());
    let mut client = rig.reader();
    let end = SIZE as u64;
    assert_eq!(client.read(end - 10, 10), Err(5));
    assert!(client.read(0, 10).is_ok());
    assert_eq!(*rig.complaints.lock().unwrap(), ["a chunk is damaged"]);
    // Behind a first block that was fine, there is nothing left but to hang up.
    client.request(0, 0, 0, SIZE as u32);
    assert_eq!(client.answer(), 0);
    let mut data = Vec::new();
    let _ = client.0.read_to_end(&mut data);
    assert!(!data.is_empty() && data.len() < SIZE);
}

#[test]
fn several_clients_and_not_too_many() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let rig = Rig::new(image(), limits);
    let image = image();
    let mut clients: Vec<_> = (0..3).map(|_| rig.reader()).collect();
    std::thread::scope(|scope| {
        for (number, client) in clients.iter_mut().enumerate() {
            let image = &image;
            scope.spawn(move || {
                for step in 0..40 {
                    let at = (number * 1_234_567 + step * 54_321) % (SIZE - 70_000);
                    let data = client.read(at as u64, 70_000).unwrap();
                    assert!(data == image[at..][..70_000]);
                }
            });
        }
    });
    rig.connect().is_hung_up_on();
    clients.pop();
    let deadline = Instant::now() + Duration::from_secs(20);
    while rig.server.connections() == 3 {
        assert!(
            Instant::now() < deadline,
            "the place of one who left is not free"
        );
        std::thread::yield_now();
    }
    assert_eq!(rig.reader().read(0, 2).unwrap(), image[..2]);
}

#[test]
fn hostile_clients() {
    let limits = Limits {
        negotiation: Duration::from_millis(300),
        ..Limits::default()
    };
    let rig = Rig::new(image(), limits);
    let mut silent = rig.connect();
    // Garbage, unknown flags, an option without its magic, options without end and without measure.
    let mut garbage = rig.connect();
    garbage.greet(u32::MAX);
    garbage.is_hung_up_on();
    let mut no_magic = rig.connect();
    no_magic.greet(3);
    no_magic.0.write_all(&[0x55; 16]).unwrap();
    no_magic.is_hung_up_on();
    let mut endless = rig.connect();
    endless.greet(3);
    for _ in 0..256 {
        endless.option(77, b"");
        endless.reply();
    }
    endless.is_hung_up_on();
    for len in [65_537, 1 << 30, u32::MAX] {
        let mut measureless = rig.connect();
        measureless.greet(3);
        let mut head = OPT.to_be_bytes().to_vec();
        head.extend(3u32.to_be_bytes());
        head.extend(len.to_be_bytes());
        measureless.0.write_all(&head).unwrap();
        measureless.is_hung_up_on();
    }
    // Drips: each byte comes in time, all of them do not.
    let mut dripping = rig.connect();
    dripping.greet(3);
    let begin = Instant::now();
    while dripping.0.write_all(&[0]).is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    // A flood of questions whose answers nobody reads.
    let mut flood = rig.connect();
    flood.greet(3);
    let mut option = OPT.to_be_bytes().to_vec();
    option.extend([0, 0, 0, 3, 0, 0, 0, 0]);
    for _ in 0..100_000 {
        if flood.0.write_all(&option).is_err() {
            break;
        }
    }
    // Requests that are none, and one whose write nobody would want to take.
    let mut broken = rig.reader();
    broken.0.write_all(&[0x66; 28]).unwrap();
    broken.is_hung_up_on();
    let mut huge = rig.reader();
    huge.request(0, 1, 0, u32::MAX);
    huge.is_hung_up_on();
    let mut cut = rig.reader();
    cut.request(0, 1, 0, 1000);
    drop(cut);
    let mut greeting = Vec::new();
    silent.0.read_to_end(&mut greeting).unwrap();
    assert_eq!(greeting.len(), 18, "whoever says nothing is hung up on");
    assert_eq!(rig.reader().read(0, 3).unwrap(), image()[..3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent instead of options or of requests, others are served afterwards.
    #[test]
    fn noise_is_survived(
        before in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        magic in any::<bool>(),
    ) {
        let rig = Rig::new(noise(1, 70_000), Limits { negotiation: Duration::from_millis(50), ..Limits::default() });
        let mut client = if before { rig.reader() } else { rig.connect() };
        let mut sent = Vec::new();
        match (before, magic) {
            (true, true) => sent.extend(0x2560_9513_u32.to_be_bytes()),
            (false, true) => {
                sent.extend(3u32.to_be_bytes());
                sent.extend(OPT.to_be_bytes());
            }
            _ => {}
        }
        sent.extend(bytes);
        let _ = client.0.write_all(&sent);
        let _ = client.0.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest);
        let mut other = rig.connect();
        other.greet(3);
    }
}

#[test]
fn a_socket_is_private_and_taken_once() {
    let rig = rig();
    let path = rig.socket();
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(Listener::unix(&path), Err(ListenError::InUse(_))));
    let folder = rig.folder.path().to_owned();
    std::fs::write(folder.join("file"), "").unwrap();
    assert!(matches!(
        Listener::unix(&folder.join("file")),
        Err(ListenError::NotASocket(_))
    ));
    assert!(matches!(
        Listener::unix(&folder.join("none/socket")),
        Err(ListenError::Unix { .. })
    ));
    assert!(matches!(
        Listener::unix(Path::new(&format!("/tmp/{}", "x".repeat(200)))),
        Err(ListenError::Unix { .. })
    ));
    let mut client = rig.reader();
    let Rig { server, folder, .. } = rig;
    drop(server);
    client.is_hung_up_on();
    assert!(!path.exists());
    // One that was left behind by a killed server is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(Listener::unix(&path).unwrap());
    assert!(!path.exists());
    drop(folder);
}

#[test]
fn other_machines_only_if_it_is_wanted() {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    assert!(matches!(
        Listener::tcp(any, false),
        Err(ListenError::NotLoopback(_))
    ));
    assert!(Listener::tcp(any, true).is_ok());
    let mapped = "[::ffff:10.0.0.1]:0".parse().unwrap();
    assert!(matches!(
        Listener::tcp(mapped, false),
        Err(ListenError::NotLoopback(_))
    ));
    let listener = Listener::tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), false).unwrap();
    let address = listener.address().unwrap();
    let rig = Rig::on(
        listener,
        tempfile::tempdir().unwrap(),
        image(),
        Limits::default(),
    );
    let mut client = Client(TcpStream::connect(address).unwrap());
    client.greet(3);
    client.option(1, b"");
    let mut answer = [0; 10];
    client.0.read_exact(&mut answer).unwrap();
    assert_eq!(client.read(1, 2).unwrap(), image()[1..3]);
    drop(rig);
    client.is_hung_up_on();
}

fn qemu_img(args: &[&str]) -> Option<std::process::Output> {
    match Command::new("qemu-img").args(args).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("skipped: no qemu-img here");
            None
        }
    }
}

#[test]
fn qemu_reads_it() {
    let unix = rig();
    let listener = Listener::tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), false).unwrap();
    let port = listener.address().unwrap().port();
    let tcp = Rig::on(
        listener,
        tempfile::tempdir().unwrap(),
        image(),
        Limits::default(),
    );
    let socket = unix.socket();
    for url in [
        format!("nbd+unix:///{NAME}?socket={}", socket.display()),
        format!("nbd+unix:///?socket={}", socket.display()),
        format!("nbd://127.0.0.1:{port}/{NAME}"),
    ] {
        let target = unix.folder.path().join("copy");
        let target_text = target.to_str().unwrap();
        let Some(output) = qemu_img(&["convert", "-f", "raw", "-O", "raw", &url, target_text])
        else {
            return;
        };
        assert!(output.status.success(), "{output:?}");
        assert!(std::fs::read(&target).unwrap() == offered(), "{url}");
        let info = qemu_img(&["info", "--output", "json", "-f", "raw", &url]).unwrap();
        let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
        assert_eq!(info["virtual-size"], OFFERED);
    }
    let other = format!("nbd+unix:///other?socket={}", socket.display());
    let refused = qemu_img(&["info", "-f", "raw", &other]).unwrap();
    assert!(!refused.status.success());
    drop(tcp);
}
