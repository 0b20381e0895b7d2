//! The gateway's own configuration: `config.*`.

use super::NoParams;
use serde_json::Value;

methods! {
    /// The configuration, with secrets replaced by a placeholder.
    ConfigGet("config.get", Read): NoParams => ConfigGetPayload;
    /// The schema of the configuration.
    ConfigSchema("config.schema", Read): NoParams => ConfigSchemaPayload;
    /// Merges a change into the configuration.
    ConfigPatch("config.patch", Admin): ConfigWriteParams => ConfigWritePayload;
    /// Replaces the configuration.
    ConfigSet("config.set", Admin): ConfigWriteParams => ConfigWritePayload;
}

shape! {
    /// The configuration, with secrets replaced by a placeholder.
    ConfigGetPayload {}
    may have {
        /// The file on the gateway's machine.
        path: String,
        /// Whether there is one.
        exists: bool,
        /// Whether it can be used.
        valid: bool,
        /// The configuration in force, defaults filled in.
        config: Value,
        /// Identifies this state of the file; a write gives it back as `base_hash`.
        hash: String,
        /// What is wrong with the file.
        issues: Vec<Value>,
        /// What is odd about it.
        warnings: Vec<Value>,
    }
    may be null {
        /// The text of the file.
        raw: String,
    }
}

shape! {
    /// The schema of the configuration.
    ConfigSchemaPayload {
        /// A JSON schema.
        schema: Value,
    }
    may have {
        /// How to present each setting, by its path.
        ui_hints: Value,
        /// The gateway's release.
        version: String,
    }
}

params! {
    /// Params of `config.patch` and `config.set`.
    ConfigWriteParams {
        /// JSON5: the change, or the whole configuration.
        raw: String,
    }
    may have {
        /// The hash the change is based on; another state of the file is then an error.
        base_hash: String,
    }
}

shape! {
    /// The configuration after a write.
    ConfigWritePayload {}
    may have {
        /// Whether it was written.
        ok: bool,
        /// The file on the gateway's machine.
        path: String,
        /// The configuration in force.
        config: Value,
    }
}
