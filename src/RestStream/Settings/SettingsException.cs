namespace RestStream.Settings;

/// <summary>The server cannot start as it is configured. The message is one line per wrong setting; the exit code is 2.</summary>
internal sealed class SettingsException(string message) : Exception(message);
