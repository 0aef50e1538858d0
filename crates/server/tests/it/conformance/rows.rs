//! The specification's rows beside ours.

use http::Method;
use server::Tree;
use server::route::{Handler, Route};

use super::spec::{Row, Spec, spec};

/// Both sides.
pub struct Served {
    pub spec: Spec,
    pub tree: Tree,
}

/// What this server has for a row.
pub enum Found<'a> {
    Route(&'a Route),
    /// The list of what is below.
    Inner,
    Nothing,
}

impl Served {
    /// Nothing if there is no specification here.
    pub fn read() -> Option<Served> {
        let mut spec = spec()?;
        spec.rows.retain(|row| is_wanted(&row.path));
        assert!(!spec.rows.is_empty(), "STRONGROOM_CONFORMANCE names no row");
        let tree = Tree::new(&server::tables());
        Some(Served { spec, tree })
    }

    pub fn find(&self, row: &Row) -> Found<'_> {
        let path = row.path.trim_start_matches('/');
        let routes = self.tree.routes();
        let route = routes
            .into_iter()
            .find(|route| route.path == path && route.verb.as_str() == row.method);
        match route {
            Some(route) => Found::Route(route),
            None if row.is_get() && self.is_inner(path) => Found::Inner,
            None => Found::Nothing,
        }
    }

    fn is_inner(&self, path: &str) -> bool {
        let components: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        matches!(
            self.tree.find(&Method::GET, &components),
            Some(server::route::Found::Inner(_))
        )
    }

    /// Rows that have one of ours.
    pub fn routes(&self) -> impl Iterator<Item = (&Row, &Route)> {
        self.spec
            .rows
            .iter()
            .filter_map(|row| match self.find(row) {
                Found::Route(route) => Some((row, route)),
                _ => None,
            })
    }

    /// Rows that only list what is below.
    pub fn inner_nodes(&self) -> impl Iterator<Item = &Row> {
        let rows = self.spec.rows.iter();
        rows.filter(|row| matches!(self.find(row), Found::Inner))
    }
}

/// Whether parameters are only read from the query.
pub fn is_raw(route: &Route) -> bool {
    !matches!(
        route.handler,
        Handler::Call(_) | Handler::Async(_) | Handler::Absent(_)
    )
}

/// Whether a path is below one of those that are asked for.
pub fn is_wanted(path: &str) -> bool {
    match std::env::var("STRONGROOM_CONFORMANCE") {
        Ok(prefixes) => prefixes.split(',').any(|prefix| path.starts_with(prefix)),
        Err(_) => true,
    }
}

/// Whether all rows are looked at.
pub fn is_whole() -> bool {
    std::env::var_os("STRONGROOM_CONFORMANCE").is_none()
}
