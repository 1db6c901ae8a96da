import type { Field, ObjectSchema, Schema } from '#api'
import { printQuantity } from './go-quantity.ts'

/**
 * Values of the API as Go's deep printer (spew's `%#v` without addresses, with sorted keys) writes the structs that stock components hold of them.
 * The schema gives the order of the fields, their types and which are pointers; what came over the wire cannot tell an empty list or map from none.
 */
export function printStruct(schema: ObjectSchema, goType: string, value: unknown): string {
  return `(${goType})${bodyOf(schema, value)}`
}

type Fields = Readonly<Record<string, unknown>>

/** The Go names of fields that are more than the name on the wire with a capital letter, where it matters with their struct. */
const GO_NAMES: ReadonlyMap<string, string> = new Map(
  `metadata:ObjectMeta uid:UID apiVersion:APIVersion apiGroup:APIGroup os:OS ip:IP tty:TTY fsType:FSType dnsPolicy:DNSPolicy dnsConfig:DNSConfig
  serviceAccount:DeprecatedServiceAccount fsGroup:FSGroup fsGroupChangePolicy:FSGroupChangePolicy seLinuxOptions:SELinuxOptions
  seLinuxChangePolicy:SELinuxChangePolicy gmsaCredentialSpecName:GMSACredentialSpecName gmsaCredentialSpec:GMSACredentialSpec
  httpGet:HTTPGet httpHeaders:HTTPHeaders tcpSocket:TCPSocket grpc:GRPC gcePersistentDisk:GCEPersistentDisk
  awsElasticBlockStore:AWSElasticBlockStore nfs:NFS iscsi:ISCSI rbd:RBD cephfs:CephFS fc:FC storageos:StorageOS csi:CSI diskURI:DataDiskURI
  wwids:WWIDs pdName:PDName iqn:IQN iscsiInterface:ISCSIInterface chapAuthDiscovery:DiscoveryCHAPAuth chapAuthSession:SessionCHAPAuth
  sslEnabled:SSLEnabled GlusterfsVolumeSource.endpoints:EndpointsName RBDVolumeSource.monitors:CephMonitors RBDVolumeSource.image:RBDImage
  RBDVolumeSource.pool:RBDPool RBDVolumeSource.user:RadosUser`
    .split(/\s+/)
    .map((entry) => entry.split(':') as [string, string]),
)

function goName(struct: string, name: string): string {
  return GO_NAMES.get(`${struct}.${name}`) ?? GO_NAMES.get(name) ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}

/** Whether the type tells absent from empty: then Go has a pointer. */
function isPointer({ schema, zero, dropEmpty }: Field): boolean {
  return schema.kind !== 'list' && schema.kind !== 'map' && dropEmpty !== true && (zero === undefined || zero === null)
}

/** What the printer writes after the type. */
function bodyOf(schema: Schema, value: unknown): string {
  switch (schema.kind) {
    case 'object':
      return membersOf(schema, (value ?? {}) as Fields)
    case 'list': {
      const items = (value ?? []) as readonly unknown[]
      return items.length === 0 ? '<nil>' : `[${items.map((item) => bodyOf(schema.items, item)).join(' ')}]`
    }
    case 'map': {
      const entries = Object.entries((value ?? {}) as Fields).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return entries.length === 0 ? '<nil>' : `map[${entries.map(([key, item]) => `${key}:${bodyOf(schema.values, item)}`).join(' ')}]`
    }
    case 'quantity':
      return printQuantity(String(value ?? '0'))
    case 'int-or-string':
      return typeof value === 'string'
        ? `{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)${value}}`
        : `{Type:(intstr.Type)0 IntVal:(int32)${Number(value ?? 0)} StrVal:(string)}`
    case 'time':
      return timeOf(value)
    case 'integer':
    case 'number':
      return String(value ?? 0)
    case 'boolean':
      return String(value ?? false)
    default:
      return String(value ?? '')
  }
}

function membersOf(schema: ObjectSchema, value: Fields): string {
  const members: string[] = []
  let open = ''
  for (const field of schema.fields.values()) {
    const text = memberOf(schema.name ?? '', field, value[field.name])
    const embedded = field.goPrefix ?? ''
    if (embedded !== '' && embedded === open) members[members.length - 1] += ` ${text}`
    else members.push(embedded === '' ? text : `${embedded}:(v1.${embedded}){${text}`)
    if (open !== '' && embedded !== open) members[members.length - 2] += '}'
    open = embedded
  }
  return `{${members.join(' ')}${open === '' ? '' : '}'}}`
}

/** What is printed of absent fields, which are most: worked out once for each field of a struct. */
const absent = new WeakMap<Field, Map<string, string>>()

function memberOf(struct: string, field: Field, value: unknown): string {
  if (value !== undefined && value !== null) return printMember(struct, field, value)
  let known = absent.get(field)
  if (known === undefined) absent.set(field, (known = new Map()))
  let text = known.get(struct)
  if (text === undefined) known.set(struct, (text = printMember(struct, field, undefined)))
  return text
}

function printMember(struct: string, field: Field, value: unknown): string {
  const name = goName(struct, field.name)
  const type = field.goType ?? ''
  if (!isPointer(field)) return `${name}:(${type})${bodyOf(field.schema, value)}`
  return `${name}:(*${type})${value === undefined || value === null ? '<nil>' : bodyOf(field.schema, value)}`
}

/** Seconds from the year 1, which Go counts from, to 1970. */
const YEAR_1_SECONDS = 62_135_596_800

/** Of a machine whose time is UTC: a stock component would print its time zone with it. */
function timeOf(value: unknown): string {
  const [seconds, zone] = typeof value === 'string' ? [Math.floor(Date.parse(value) / 1000) + YEAR_1_SECONDS, utcZone] : [0, '<nil>']
  return `{Time:(time.Time){wall:(uint64)0 ext:(int64)${seconds} loc:(*time.Location)${zone}}}`
}
const utcZone =
  '{name:(string)UTC zone:([]time.zone)<nil> tx:([]time.zoneTrans)<nil> extend:(string) cacheStart:(int64)0 cacheEnd:(int64)0 cacheZone:(*time.zone)<nil>}'
