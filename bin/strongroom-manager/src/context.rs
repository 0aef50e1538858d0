//! What every command gets: the environment as it was at the start, the time zone, who runs us; and the server's folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use config::places::node_name;
use config::{ConfigDir, Places};
use console::output::{Output, OutputArgs};
use console::report::Failure;
use jiff::tz::TimeZone;

/// Does not change while a command runs.
#[derive(Clone, Debug)]
pub struct Context {
    variables: BTreeMap<OsString, OsString>,
    is_root: bool,
    pub zone: TimeZone,
    /// The name by which we were called.
    pub program: String,
}

impl Context {
    pub fn of_process() -> Context {
        Context {
            variables: std::env::vars_os().collect(),
            is_root: rustix::process::geteuid().is_root(),
            zone: TimeZone::system(),
            program: program(),
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(std::ffi::OsStr::new(name)).cloned()
    }

    /// Whether root runs us.
    pub fn is_root(&self) -> bool {
        self.is_root
    }

    /// A variable of the environment as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.variable(name)?.into_string().ok()
    }

    /// How the result is printed.
    pub fn output(&self, args: &OutputArgs) -> Result<Output> {
        Ok(args.resolve(|name| self.variable(name))?)
    }

    /// `%c` in local time.
    pub fn ctime(&self, epoch_s: i64) -> String {
        console::human::ctime(epoch_s, &self.zone)
    }
}

fn program() -> String {
    let first = std::env::args_os().next().map(PathBuf::from);
    let name = first.as_deref().and_then(std::path::Path::file_name);
    name.map_or_else(
        || "strongroom-manager".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Seconds since 1970, now.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The host's name as the kernel knows it.
pub fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The host's name as task ids show it.
pub fn node() -> String {
    node_name(&hostname())
}

/// Which server is meant.
#[derive(clap::Args, Clone, Debug)]
pub struct ServerArgs {
    /// Folder of the server's settings.
    #[arg(long)]
    config_dir: Option<PathBuf>,

    /// Folder of the server's locks and logs.
    #[arg(long)]
    state_dir: Option<PathBuf>,
}

/// Which server is meant, for commands that leave a task in its lists.
#[derive(clap::Args, Clone, Debug)]
pub struct TaskServerArgs {
    #[command(flatten)]
    pub server: ServerArgs,

    /// Folder of the server's logs, if not `log` below the state folder.
    #[arg(long)]
    log_dir: Option<PathBuf>,
}

impl TaskServerArgs {
    /// The server of these folders, where they are given.
    pub fn of(config_dir: Option<PathBuf>, state_dir: Option<PathBuf>) -> TaskServerArgs {
        TaskServerArgs {
            server: ServerArgs {
                config_dir,
                state_dir,
            },
            log_dir: None,
        }
    }

    /// Where the server keeps its logs.
    pub fn log_dir(&self, places: &Places) -> PathBuf {
        match &self.log_dir {
            Some(dir) => dir.clone(),
            None => places.log_dir(),
        }
    }

    /// Where the server keeps its tasks.
    pub fn tasks_dir(&self, places: &Places) -> PathBuf {
        self.log_dir(places).join("tasks")
    }
}

impl ServerArgs {
    /// The server's folders.
    pub fn places(&self, context: &Context) -> Result<Places> {
        let variable = |name: &str| context.variable(name);
        let places = Places::resolve(
            self.config_dir.clone(),
            self.state_dir.clone(),
            context.is_root,
            variable,
        )?;
        match places.check() {
            Ok(()) => Ok(places),
            Err(error) => {
                let step = error.next_step();
                Err(Failure::new(error.to_string()).hint(step).into())
            }
        }
    }

    /// The server's settings; the folder is made if it is missing.
    pub fn config(&self, context: &Context) -> Result<ConfigDir> {
        Ok(ConfigDir::create(&self.places(context)?.config_dir)?)
    }
}
