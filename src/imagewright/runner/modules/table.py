"""All action modules there are (``component-documents.md`` §7), by name.

Handed in, never looked up: whoever needs them takes the table as an argument.
"""

from collections.abc import Mapping

from imagewright.documents.specs import ModuleSpec
from imagewright.runner.module import Module
from imagewright.runner.modules import (
    append_file,
    assert_,
    copy_file,
    copy_folder,
    create_file,
    create_folder,
    create_symlink,
    delete_file,
    delete_folder,
    execute_bash,
    execute_binary,
    execute_document,
    execute_powershell,
    install_msi,
    list_files,
    move_file,
    move_folder,
    read_file,
    reboot,
    s3_download,
    s3_upload,
    set_file_encoding,
    set_file_owner,
    set_file_permissions,
    set_folder_owner,
    set_folder_permissions,
    set_registry,
    uninstall_msi,
    update_os,
    web_download,
)

MODULES: Mapping[str, Module] = {
    "AppendFile": append_file.MODULE,
    "Assert": assert_.MODULE,
    "CopyFile": copy_file.MODULE,
    "CopyFolder": copy_folder.MODULE,
    "CreateFile": create_file.MODULE,
    "CreateFolder": create_folder.MODULE,
    "CreateSymlink": create_symlink.MODULE,
    "DeleteFile": delete_file.MODULE,
    "DeleteFolder": delete_folder.MODULE,
    "ExecuteBash": execute_bash.MODULE,
    "ExecuteBinary": execute_binary.MODULE,
    "ExecuteDocument": execute_document.MODULE,
    "ExecutePowerShell": execute_powershell.MODULE,
    "InstallMSI": install_msi.MODULE,
    "ListFiles": list_files.MODULE,
    "MoveFile": move_file.MODULE,
    "MoveFolder": move_folder.MODULE,
    "ReadFile": read_file.MODULE,
    "Reboot": reboot.MODULE,
    "S3Download": s3_download.MODULE,
    "S3Upload": s3_upload.MODULE,
    "SetFileEncoding": set_file_encoding.MODULE,
    "SetFileOwner": set_file_owner.MODULE,
    "SetFilePermissions": set_file_permissions.MODULE,
    "SetFolderOwner": set_folder_owner.MODULE,
    "SetFolderPermissions": set_folder_permissions.MODULE,
    "SetRegistry": set_registry.MODULE,
    "UninstallMSI": uninstall_msi.MODULE,
    "UpdateOS": update_os.MODULE,
    "WebDownload": web_download.MODULE,
}

SPECS: Mapping[str, ModuleSpec] = {name: module.spec for name, module in MODULES.items()}
"""What documents are checked against."""

NEVER_REUSED: Mapping[str, str] = {
    "ExecuteDocument": "what ExecuteDocument executes is not known before",
    "S3Upload": "what S3Upload does is outside the machine",
}
"""Modules that no layer can stand for, and why: what used one is not reused."""
