//! The examples' site and what a command there said, compared with an expectation in which `~` stands for any text.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Output, Stdio};

use crate::house::{House, bin_dir, noise};

/// 2026-01-01T00:00:00Z
pub const MTIME: u64 = 1_767_225_600;
pub const FIRST: &str = "host/alpha/2026-01-05T02:00:00Z";
pub const SECOND: &str = "host/alpha/2026-01-06T02:00:00Z";

/// The examples' site: user ann@pbs, datastore tank, the source files, and the client by the original's name.
pub struct Site {
    pub house: House,
    pub env: Vec<(String, String)>,
}

/// What a command printed, with our hints left out.
pub struct Said {
    pub line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Site {
    pub fn new() -> Site {
        let mut house = House::empty();
        let tank = house.path("tank");
        let tank = tank.to_str().expect("utf-8");
        for line in [
            "user create ann@pbs --password secret123",
            &format!("datastore create tank {tank}"),
            "acl update /datastore/tank DatastoreAdmin --auth-id ann@pbs",
            "user generate-token ann@pbs laptop",
        ] {
            house.manager(&line.split(' ').collect::<Vec<_>>()).ok();
        }
        house.start();
        symlink(
            bin_dir().join("strongroom"),
            house.path("proxmox-backup-client"),
        )
        .expect("link");
        fs::create_dir_all(house.path("etc/conf.d")).expect("folder");
        for (name, content) in [
            ("etc/app.conf", b"port=80\n".to_vec()),
            ("etc/blob.bin", noise(7, 3_000_000)),
            ("etc/conf.d/x.conf", b"x=1\n".to_vec()),
            ("disk.img", vec![0; 9_000_000]),
            ("vm.conf", b"cores: 2\n".to_vec()),
            ("task.log", b"INFO: done\n".to_vec()),
        ] {
            fs::write(house.path(name), content).expect("file");
        }
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(MTIME);
        for name in [
            "etc/app.conf",
            "etc/blob.bin",
            "etc/conf.d/x.conf",
            "etc/conf.d",
            "etc",
        ] {
            let file = fs::File::open(house.path(name)).expect("file");
            file.set_modified(time).expect("time");
        }
        let env = [
            ("PBS_REPOSITORY", format!("ann@pbs@{}:tank", house.address)),
            ("PBS_PASSWORD", "secret123".into()),
        ];
        let env = env.map(|(name, value)| (name.to_string(), value));
        Site {
            house,
            env: env.into(),
        }
    }

    /// Runs a command as the examples write it: variables in front, then words with single or double quotes.
    pub fn run(&self, line: &str) -> Said {
        self.run_with(line, "")
    }

    /// The same with another of the original's programs.
    pub fn run_as(&self, program: &str, line: &str) -> Said {
        let place = self.house.path(program);
        if !place.exists() {
            symlink(bin_dir().join("strongroom"), &place).expect("link");
        }
        self.call(program, line, "")
    }

    pub fn run_with(&self, line: &str, input: &str) -> Said {
        self.call("proxmox-backup-client", line, input)
    }

    fn call(&self, program: &str, line: &str, input: &str) -> Said {
        let mut env = self.env.clone();
        let mut words = words(line);
        while let Some((name, value)) = words[0].split_once('=') {
            env.retain(|(other, _)| other != name);
            env.push((name.to_string(), value.to_string()));
            words.remove(0);
        }
        if words[0] == "-u" {
            env.retain(|(name, _)| *name != words[1]);
            words.drain(..2);
        }
        let client = self.house.path(program);
        let mut child = self
            .house
            .command(client.to_str().expect("utf-8"))
            .envs(env)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client runs");
        let mut stdin = child.stdin.take().expect("piped");
        // A command that does not read has ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Said::new(line, child.wait_with_output().expect("the client ends"))
    }

    /// `ann@pbs@vault:8007:tank` of the examples.
    pub fn repository(&self) -> String {
        format!("ann@pbs@{}:tank", self.house.address)
    }

    pub fn backup(&self, options: &str) -> Said {
        self.run(&format!("backup {options}"))
    }
}

impl Said {
    pub fn new(line: &str, output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let err = text(output.stderr);
        let err = err.lines().filter(|line| !line.starts_with("hint: "));
        Said {
            line: line.to_string(),
            code: output.status.code(),
            out: text(output.stdout),
            err: err.map(|line| format!("{line}\n")).collect(),
        }
    }

    #[track_caller]
    pub fn is(self, code: i32, out: &str, err: &str) -> Said {
        let Said { line, .. } = &self;
        assert_eq!(self.code, Some(code), "{line}\n{}{}", self.out, self.err);
        assert!(
            like(out, &self.out),
            "{line}\nexpected:\n{out}\nfound:\n{}",
            self.out
        );
        assert!(
            like(err, &self.err),
            "{line}\nexpected:\n{err}\nfound:\n{}",
            self.err
        );
        self
    }

    #[track_caller]
    pub fn silent(self) -> Said {
        self.is(0, "", "")
    }

    #[track_caller]
    pub fn prints(self, out: &str) -> Said {
        self.is(0, out, "")
    }

    /// The first line of an error; usage may follow.
    #[track_caller]
    pub fn fails(self, error: &str) -> Said {
        assert_eq!(
            self.code,
            Some(255),
            "{}\n{}{}",
            self.line,
            self.out,
            self.err
        );
        let found = self.err.lines().find(|line| line.starts_with("Error: "));
        let found = found.unwrap_or_default();
        assert!(
            like(&format!("Error: {error}"), found),
            "{}\n{}",
            self.line,
            self.err
        );
        assert_eq!(self.out, "", "{}", self.line);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.code,
            Some(0),
            "{}\n{}{}",
            self.line,
            self.out,
            self.err
        );
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{}: {e}\n{}", self.line, self.out))
    }
}

/// Line by line; `~` stands for any text.
pub fn like(expected: &str, found: &str) -> bool {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| line_is_like(a, b))
}

pub fn line_is_like(expected: &str, found: &str) -> bool {
    let mut parts = expected.split('~');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ') => words.push(String::new()),
            (_, letter) => words.last_mut().expect("one at least").push(letter),
        }
    }
    words
}
