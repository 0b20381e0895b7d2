//! The system's microphones, through `cpal`: ALSA (and so PipeWire and PulseAudio), WASAPI, Core Audio.

use super::{Microphone, MicrophoneError, Microphones, Opened, Sink};
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{Device, Error, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};
use std::time::Duration;

/// What opening a device may take.
const OPENING: Duration = Duration::from_secs(5);

/// The devices of this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemMicrophones;

impl Microphones for SystemMicrophones {
    fn list(&self) -> Vec<Microphone> {
        let host = cpal::default_host();
        let default = host
            .default_input_device()
            .and_then(|device| id_of(&device));
        let Ok(devices) = host.input_devices() else {
            return Vec::new();
        };
        let mut found: Vec<Microphone> = devices
            .filter_map(|device| described(&device, default.as_deref()))
            .collect();
        found.sort_by_key(|one| !one.is_default);
        found
    }

    fn open(&self, wanted: Option<&str>, sink: Sink) -> Result<Opened, MicrophoneError> {
        let host = cpal::default_host();
        let chosen = wanted
            .and_then(|wanted| wanted.parse().ok())
            .and_then(|id| host.device_by_id(&id));
        let is_fallback = wanted.is_some() && chosen.is_none();
        let default = host.default_input_device();
        let default_id = default.as_ref().and_then(id_of);
        let device = chosen.or(default).ok_or(MicrophoneError::None)?;
        let microphone = described(&device, default_id.as_deref()).ok_or(MicrophoneError::None)?;
        let explain = |error| explained(&error, &microphone.name);
        let config = device.default_input_config().map_err(explain)?;
        let format = config.sample_format();
        let config: StreamConfig = config.into();
        let stream = started(&device, config, format, sink, &microphone.name).map_err(explain)?;
        Ok(Opened {
            microphone,
            is_fallback,
            rate: config.sample_rate,
            channels: config.channels,
            stream: Box::new(stream),
        })
    }
}

fn id_of(device: &Device) -> Option<String> {
    device.id().ok().map(|id| id.to_string())
}

fn described(device: &Device, default: Option<&str>) -> Option<Microphone> {
    let id = id_of(device)?;
    let name = match device.description() {
        Ok(description) => description.name().to_owned(),
        Err(_) => id.clone(),
    };
    Some(Microphone {
        is_default: default == Some(id.as_str()),
        id,
        name,
    })
}

fn started(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    sink: Sink,
    name: &str,
) -> Result<Stream, Error> {
    // The formats that devices have; what else `cpal` knows is for files and for playing.
    let stream = if format == SampleFormat::F32 {
        stream_of::<f32>(device, config, sink, name)
    } else if format == SampleFormat::I16 {
        stream_of::<i16>(device, config, sink, name)
    } else if format == SampleFormat::I32 {
        stream_of::<i32>(device, config, sink, name)
    } else if format == SampleFormat::U8 {
        stream_of::<u8>(device, config, sink, name)
    } else if format == SampleFormat::U16 {
        stream_of::<u16>(device, config, sink, name)
    } else {
        Err(ErrorKind::UnsupportedConfig.into())
    }?;
    stream.play()?;
    Ok(stream)
}

fn stream_of<T>(
    device: &Device,
    config: StreamConfig,
    sink: Sink,
    name: &str,
) -> Result<Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let failing = sink.clone();
    let name = name.to_owned();
    device.build_input_stream::<T, _, _>(
        config,
        move |samples, _| {
            let samples = samples.iter().map(|sample| f32::from_sample_(*sample));
            sink.heard(samples.collect());
        },
        move |error| {
            let goes_on = matches!(
                error.kind(),
                ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied
            );
            match goes_on {
                true => tracing::debug!(%error, "the microphone stumbled"),
                false => failing.lost(explained(&error, &name)),
            }
        },
        Some(OPENING),
    )
}

fn explained(error: &Error, name: &str) -> MicrophoneError {
    let (kind, name) = (error.kind(), name.to_owned());
    if kind == ErrorKind::PermissionDenied {
        MicrophoneError::Denied
    } else if kind == ErrorKind::DeviceBusy {
        MicrophoneError::Busy(name)
    } else if kind == ErrorKind::HostUnavailable {
        MicrophoneError::None
    } else if matches!(
        kind,
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated
    ) {
        MicrophoneError::Gone(name)
    } else {
        let why = error.to_string();
        MicrophoneError::Other { name, why }
    }
}
