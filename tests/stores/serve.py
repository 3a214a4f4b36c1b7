"""Runs a command with stores to talk to: serve.py AZURITE_BLOB COMMAND…

Starts on loopback ports, and stops when the command ends:
  S3     moto, with signatures and policies checked
  Azure  Azurite, the program that its first argument names
  GCS    an imitation: no emulator that pip or npm install answers the XML API that nightbill's client speaks, so moto's
         S3 answers it here with the headers translated as Google documents them. It shows what nightbill sends and how
         it takes the answers; it is no evidence of what Google's servers do.

The command finds them by the variables that nightbill itself takes, and by NIGHTBILL_TEST_S3, _AZ and _GS: the URLs of
an empty bucket on each.
"""

import base64
import math
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import quote

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"  # moto reads it when it is imported

import boto3
from azure.storage.blob import BlobServiceClient
from moto import settings
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

BUCKET = "nightbill-test"
REGION = "us-east-1"
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'

moto = DomainDispatcherApplication(create_backend_app)
# moto looks whether an object exists and then puts it, without a lock: a create-only put would not be atomic.
one_at_a_time = threading.Lock()


def s3(environ, start_response):
    with one_at_a_time:
        return list(moto(environ, start_response))


def gcs(token):
    # https://cloud.google.com/storage/docs/xml-api/reference-headers
    to_s3 = {"HTTP_X_GOOG_COPY_SOURCE": "HTTP_X_AMZ_COPY_SOURCE"}

    def answer(environ, start_response):
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {token}":
            start_response("401 Unauthorized", [("Content-Type", "application/xml")])
            return [b"<?xml version='1.0'?><Error><Code>AuthenticationRequired</Code><Message>no</Message></Error>"]
        if environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None) == "0":
            environ["HTTP_IF_NONE_MATCH"] = "*"
        environ = {to_s3.get(name, name): value for name, value in environ.items()}
        # moto reads the path as it was sent, where this client writes even - as %2D.
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        environ["RAW_URI"] = environ["REQUEST_URI"] = f"{path}?{environ['QUERY_STRING']}"
        with one_at_a_time:
            checked, settings.INITIAL_NO_AUTH_ACTION_COUNT = settings.INITIAL_NO_AUTH_ACTION_COUNT, math.inf
            try:
                return list(moto(environ, start_response))
            finally:
                settings.INITIAL_NO_AUTH_ACTION_COUNT = checked

    return answer


def serve(app):
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Quiet(MotoRequestHandler):
    def log(self, *_):
        pass


def s3_variables():
    iam = iam_backends["123456789012"]["aws"]
    iam.create_user(REGION, "nightbill")
    key = iam.create_access_key("nightbill")
    iam.put_user_policy("nightbill", "everything", EVERYTHING)
    keys = {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}
    endpoint = serve(s3)
    os.environ |= keys
    boto3.client("s3", endpoint_url=endpoint, region_name=REGION).create_bucket(Bucket=BUCKET)
    return keys | {
        "AWS_ENDPOINT": endpoint,
        "AWS_REGION": REGION,
        "AWS_ALLOW_HTTP": "true",
        "NIGHTBILL_TEST_S3": f"s3://{BUCKET}",
    }


def gcs_variables():
    token = secrets.token_hex()
    endpoint = serve(gcs(token))
    boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name=REGION).create_bucket(Bucket=f"{BUCKET}-gs")
    return {
        "GOOGLE_BASE_URL": endpoint,
        "GOOGLE_BEARER_TOKEN": token,
        "GOOGLE_ALLOW_HTTP": "true",
        "NIGHTBILL_TEST_GS": f"gs://{BUCKET}-gs",
    }


def start_azurite(program, account, key):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    accounts = {"AZURITE_ACCOUNTS": f"{account}:{key}"}
    return port, subprocess.Popen([program, "--blobPort", str(port), *options], env=os.environ | accounts)


def azure_variables(port, account, key):
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    endpoint = f"http://127.0.0.1:{port}/{account}"
    BlobServiceClient(endpoint, {"account_name": account, "account_key": key}).create_container(BUCKET)
    return {
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_STORAGE_ACCOUNT_NAME": account,
        "AZURE_STORAGE_ACCOUNT_KEY": key,
        "AZURE_ALLOW_HTTP": "true",
        "NIGHTBILL_TEST_AZ": f"az://{BUCKET}",
    }


def main():
    program, *command = sys.argv[1:]
    account = ("nightbill", base64.b64encode(secrets.token_bytes(64)).decode())
    os.environ |= s3_variables()
    os.environ |= gcs_variables()
    port, azurite = start_azurite(program, *account)
    try:
        os.environ |= azure_variables(port, *account)
        return subprocess.call(command)
    finally:
        azurite.terminate()


if __name__ == "__main__":
    sys.exit(main())
