//! Messages on standard error, as many as `PXAR_LOG` asks for.

use console::screen::Screen;

/// How much is told, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    fn parse(text: &str) -> Option<Level> {
        Some(match text.to_ascii_lowercase().as_str() {
            "off" => Level::Off,
            "error" => Level::Error,
            "warn" => Level::Warn,
            "info" => Level::Info,
            "debug" => Level::Debug,
            "trace" => Level::Trace,
            _ => return None,
        })
    }
}

/// Prints bare messages up to a level.
#[derive(Clone)]
pub struct Log {
    screen: Screen,
    level: Level,
}

impl Log {
    /// The level is `info` if there is none or it is not known; the latter is told.
    pub fn new(screen: Screen, wanted: Option<&str>) -> Log {
        let level = wanted.map(Level::parse);
        if let Some(None) = level {
            screen
                .line("env variable PXAR_LOG found, but parsing failed: ParseLevelFilterError(())");
        }
        Log {
            screen,
            level: level.flatten().unwrap_or(Level::Info),
        }
    }

    pub fn is_on(&self, level: Level) -> bool {
        level <= self.level
    }

    pub fn line(&self, level: Level, text: &str) {
        if self.is_on(level) {
            self.screen.line(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn levels_are_read_in_any_case() {
        assert_eq!(Level::parse("DeBug"), Some(Level::Debug));
        assert_eq!(Level::parse("loud"), None);
        assert!(Level::Off < Level::Error && Level::Info < Level::Debug);
    }
}
