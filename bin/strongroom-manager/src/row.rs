//! A command as a row of data: its words, the route that does the work, and what is printed of the answer. Options are no part of it: they are the
//! parameters of the route itself, so a command can say nothing that the API does not.

use api::schema::Param;
use console::table::Kind;
use http::Method;
use serde_json::Value;

/// Where a route is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In this process, on the server's files.
    Here,
    /// By the running server; in this process if none runs.
    Server,
}

/// What is done with the answer.
#[derive(Clone, Copy)]
pub enum Shows {
    Nothing,
    /// `Result: ` and JSON.
    Result,
    /// A table of records.
    List(&'static [Col]),
    /// A table of one record, these members first.
    Object(&'static [&'static str]),
    /// A task is followed; an answer without one is not shown.
    Task,
    /// Text of its own, with JSON for whoever asks.
    Text(fn(&Value) -> String),
}

/// A column.
#[derive(Clone, Copy)]
pub struct Col {
    pub key: &'static str,
    pub kind: Kind,
    pub render: Render,
}

/// How a cell is made.
#[derive(Clone, Copy)]
pub enum Render {
    Plain,
    /// `%c`, left.
    Time,
    /// A time, or `never`; right.
    Expire,
    /// A missing boolean is true.
    Enabled,
    /// `10 MiB`.
    Bytes,
    /// The same, left.
    BytesLeft,
    /// Seconds, left.
    Duration,
    /// From value and record.
    With(fn(&Value, &Value) -> String),
}

/// See the module.
pub struct Row {
    /// From the top of the tree.
    pub words: &'static str,
    pub about: &'static str,
    pub verb: Method,
    /// As the route's row has it.
    pub path: &'static str,
    /// Parameters that are given by their place, in this order; they must be given.
    pub positional: &'static [&'static str],
    /// Parameters of the route that the command does not have.
    pub without: &'static [&'static str],
    /// Parameters that the command sets itself.
    pub fixed: &'static [(&'static str, &'static str)],
    /// Options that are not the route's: the digest of this file must be the given one.
    pub guard: Option<(&'static str, &'static [Param])>,
    /// This parameter is the name of a file whose content is sent in base64.
    pub file: Option<&'static str>,
    /// The route does nothing with this parameter; `PUT` of this path, which takes these, does.
    pub also: Option<(&'static Param, &'static str, &'static [&'static str])>,
    pub at: At,
    pub shows: Shows,
    /// Takes `--output-format`.
    pub output: bool,
    /// An unknown user has nothing, which is no error.
    pub forgives: bool,
}

/// The parameter of every route below a node.
const NODE: &[(&str, &str)] = &[("node", "localhost")];

impl Row {
    const fn new(verb: Method, words: &'static str, path: &'static str) -> Row {
        Row {
            words,
            about: "",
            verb,
            path,
            positional: &[],
            without: &[],
            fixed: &[],
            guard: None,
            file: None,
            also: None,
            at: At::Here,
            shows: Shows::Nothing,
            output: false,
            forgives: false,
        }
    }

    pub const fn get(words: &'static str, path: &'static str) -> Row {
        Row::new(Method::GET, words, path)
    }

    pub const fn post(words: &'static str, path: &'static str) -> Row {
        Row::new(Method::POST, words, path)
    }

    pub const fn put(words: &'static str, path: &'static str) -> Row {
        Row::new(Method::PUT, words, path)
    }

    pub const fn delete(words: &'static str, path: &'static str) -> Row {
        Row::new(Method::DELETE, words, path)
    }

    pub const fn about(mut self, about: &'static str) -> Row {
        self.about = about;
        self
    }

    pub const fn takes(mut self, positional: &'static [&'static str]) -> Row {
        self.positional = positional;
        self
    }

    pub const fn without(mut self, names: &'static [&'static str]) -> Row {
        self.without = names;
        self
    }

    pub const fn fixed(mut self, members: &'static [(&'static str, &'static str)]) -> Row {
        self.fixed = members;
        self
    }

    /// The route is one of this node.
    pub const fn node(self) -> Row {
        self.fixed(NODE)
    }

    pub const fn guarded(mut self, list: &'static str, options: &'static [Param]) -> Row {
        self.guard = Some((list, options));
        self
    }

    pub const fn file(mut self, name: &'static str) -> Row {
        self.file = Some(name);
        self
    }

    /// The parameter as the further route takes it, if it is for that.
    pub fn of_other(&self, param: &Param) -> Option<&'static Param> {
        let (other, ..) = self.also?;
        (other.name == param.name).then_some(other)
    }

    /// With this parameter the command also calls `PUT` of that path, with these parameters.
    pub const fn also_put(
        mut self,
        param: &'static Param,
        path: &'static str,
        takes: &'static [&'static str],
    ) -> Row {
        self.also = Some((param, path, takes));
        self
    }

    pub const fn at_server(mut self) -> Row {
        self.at = At::Server;
        self
    }

    pub const fn list(mut self, columns: &'static [Col]) -> Row {
        self.shows = Shows::List(columns);
        self.output = true;
        self
    }

    pub const fn object(mut self, first: &'static [&'static str]) -> Row {
        self.shows = Shows::Object(first);
        self.output = true;
        self
    }

    pub const fn text(mut self, text: fn(&Value) -> String) -> Row {
        self.shows = Shows::Text(text);
        self.output = true;
        self
    }

    /// The answer is a task; `--output-format json` prints its id alone.
    pub const fn task(mut self) -> Row {
        self.shows = Shows::Task;
        self.output = true;
        self
    }

    pub const fn result(mut self) -> Row {
        self.shows = Shows::Result;
        self
    }

    /// Prints nothing of a user who is not there.
    pub const fn forgives(mut self) -> Row {
        self.forgives = true;
        self
    }

    /// Without `--output-format`.
    pub const fn plain(mut self) -> Row {
        self.output = false;
        self
    }
}

impl Col {
    const fn new(key: &'static str, kind: Kind) -> Col {
        Col {
            key,
            kind,
            render: Render::Plain,
        }
    }

    pub const fn text(key: &'static str) -> Col {
        Col::new(key, Kind::Text)
    }

    pub const fn number(key: &'static str) -> Col {
        Col::new(key, Kind::Number)
    }

    pub const fn boolean(key: &'static str) -> Col {
        Col::new(key, Kind::Boolean)
    }

    pub const fn with(mut self, render: Render) -> Col {
        self.render = render;
        self
    }
}
