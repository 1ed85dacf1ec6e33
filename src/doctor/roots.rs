//! Which roots psql would have in the launch.

use std::ffi::{OsStr, OsString};

use crate::failure::Failure;
use crate::handover::roots::{self, system_word};
use crate::intent::Plan;
use crate::intent::tls::Protection;
use crate::libpq::files;
use crate::system::platform;
use crate::system::private_directory::PrivateDirectory;

use super::Checkup;
use super::look::psql::Psql;
use super::look::roots::RootSource;

impl Checkup<'_> {
    /// The value of `PGSSLROOTCERT` that the launch would add.
    pub(super) fn roots_for(
        &self,
        psql: Option<&Psql>,
        plan: &Plan,
        protection: &Protection,
        directory: Option<&PrivateDirectory>,
    ) -> Result<Option<OsString>, Failure> {
        let Some(psql) = psql.filter(|_| protection.wants_roots) else {
            return Ok(None);
        };
        let (psql, mode) = (psql.program.as_path(), protection.mode.as_str());
        let is_azure = plan.cloud.is_some_and(|cloud| cloud.has_known_roots);
        roots::roots(Some(psql), mode, is_azure, directory, self.environment).map(Some)
    }

    /// Where psql will look for roots, with `added` in `PGSSLROOTCERT` where that is not set.
    pub(super) fn place_of_roots(
        &self,
        added: Option<&OsStr>,
        psql: Option<&Psql>,
        directory: Option<&PrivateDirectory>,
    ) -> RootSource {
        let given = self.target.parameters().filled("sslrootcert");
        let own = || files::own_roots(self.environment).map(Into::into);
        let place = given
            .map(platform::os_string)
            .or_else(own)
            .or_else(|| added.map(Into::into));
        match (place, psql) {
            (Some(file), _) if file != "system" => RootSource::File(file.into()),
            (Some(_), Some(psql)) if cfg!(target_os = "linux") => {
                let store = system_word::store(&psql.program, directory, self.environment);
                store.map_or(RootSource::Unknown, RootSource::OpenSsl)
            }
            _ => RootSource::System,
        }
    }
}
