"""Everything of an account that a stack could leave behind."""

from __future__ import annotations

from collections.abc import Iterator

from tests.stack.account import Account

Inventory = frozenset[tuple[str, str]]
"""Kind of resource, and its name or id."""

KINDS = (
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("apigateway", "get_rest_apis", "items", "id"),
    ("apigateway", "get_api_keys", "items", "id"),
    ("apigateway", "get_usage_plans", "items", "id"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    ("efs", "describe_access_points", "AccessPoints", "AccessPointId"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
)


def inventory(account: Account) -> Inventory:
    """Return everything that is there now."""
    return frozenset(_found(account))


def _found(account: Account) -> Iterator[tuple[str, str]]:
    for service, operation, field, name in KINDS:
        for each in getattr(account.client(service), operation)()[field]:
            yield f"{service} {field}", each[name]
    for acl in account.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]:
        yield "wafv2 WebACLs", acl["Name"]
    for bucket in account.client("s3").list_buckets()["Buckets"]:
        found = account.client("s3").list_objects_v2(Bucket=bucket["Name"])
        for each in found.get("Contents", []):
            yield f"s3 {bucket['Name']}", each["Key"]
