[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("RestStream.Connectors.Tests")]
