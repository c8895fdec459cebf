"""Lets a test call the true client of Azure: reads a call as a line of JSON, makes it, writes what came of it as a line of JSON.

A call is {"instance", "token", "method", "args", "kwargs"}. A list is answered whole, page after page; a poller is waited for.
"""
import json
import sys
import time

import azure.core
from azure.core.credentials import AccessToken
from azure.core.paging import ItemPaged
from azure.core.polling import LROPoller
from azure.iot.deviceupdate import DeviceUpdateClient, __version__

ENDPOINT, CA = sys.argv[1:]


class Credential:
    def __init__(self, token):
        self.token = token
        self.scopes = []

    def get_token(self, *scopes, **_):
        self.scopes = scopes
        return AccessToken(self.token, int(time.time()) + 3600)


def make(call):
    credential = Credential(call["token"])
    with DeviceUpdateClient(
        endpoint=ENDPOINT, instance_id=call["instance"], credential=credential, connection_verify=CA
    ) as client:
        try:
            result = getattr(client.device_update, call["method"])(*call["args"], **call["kwargs"])
            if isinstance(result, ItemPaged):
                result = list(result)
            elif isinstance(result, LROPoller):
                result = result.result()
            return {"result": result, "scopes": credential.scopes}
        except azure.core.exceptions.AzureError as error:
            return {
                "error": type(error).__name__,
                "message": error.message,
                "status": getattr(error, "status_code", None),
            }


print(json.dumps({"client": __version__, "core": azure.core.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps(make(json.loads(line))), flush=True)
