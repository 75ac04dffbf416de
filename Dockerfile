# docker build -t reststream . && docker run -p 8082:8082 -v reststream:/data -e RestStream__AllowAnonymous=true reststream
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish src/RestStream -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# For request bodies and record batches that are compressed with zstd.
RUN apt-get update && apt-get install -y --no-install-recommends libzstd1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app .
RUN mkdir /data && chown $APP_UID /data
USER $APP_UID
VOLUME /data

# Everyone who reaches the container's port can read and write. The server refuses to start like that
# until RestStream__AllowAnonymous=true says that it is meant (behind a proxy that authenticates, or on a private network).
ENV ASPNETCORE_HTTP_PORTS= \
    ASPNETCORE_URLS=http://0.0.0.0:8082 \
    RestStream__DataDirectory=/data
EXPOSE 8082
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["dotnet", "RestStream.dll", "health"]
ENTRYPOINT ["dotnet", "RestStream.dll"]
