//! Events and catalogues on their way in: decode -> check -> pseudonymise -> frame -> write.
