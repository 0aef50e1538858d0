//! `/admin`: working with datastores.

pub mod datastore;
