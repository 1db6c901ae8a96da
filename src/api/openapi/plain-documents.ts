import { Components, type Describe } from './components.ts'
import { type Json, V3 } from './dialect.ts'
import { contentOf } from './operations.ts'
import { groupTitle } from './paths.ts'

/** A path that is no resource's, with a document of its own. */
export interface PlainDocument {
  /** In the index of documents: `apis/apps`. */
  readonly path: string
  make(describe: Describe | undefined): Json
}

const NEGOTIATED = ['application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml']

/** The documents of discovery, of the version and of what else is served to everybody. */
export function plainDocuments(groups: readonly string[], further: readonly string[]): readonly PlainDocument[] {
  const known = FURTHER.filter(({ path }) => path === 'version' || further.includes(`/${path}`))
  return [
    discovery('api', 'core', 'getCoreAPIVersions', 'get available API versions', 'meta.v1.APIVersions'),
    discovery('apis', 'apis', 'getAPIVersions', 'get available API versions', 'meta.v1.APIGroupList'),
    ...groups.map((group) => {
      const title = groupTitle(group, '')
      const tag = `${title.charAt(0).toLowerCase()}${title.slice(1)}`
      return discovery(`apis/${group}`, tag, `get${title}APIGroup`, 'get information of a group', 'meta.v1.APIGroup')
    }),
    ...known,
  ]
}

function discovery(path: string, tag: string, id: string, description: string, type: string): PlainDocument {
  return {
    path,
    make: (describe) => {
      const components = new Components(V3, describe)
      return documentOf(path, tag, id, description, contentOf(NEGOTIATED, components.builtIn(type)), components.schemas())
    },
  }
}

const text = (type: string): Json => contentOf([type], { type: 'string' })
const VERSION_INFO = 'io.k8s.apimachinery.pkg.version.Info'

const FURTHER: readonly PlainDocument[] = [
  {
    path: '.well-known/openid-configuration',
    make: () =>
      documentOf(
        '.well-known/openid-configuration',
        'WellKnown',
        'getServiceAccountIssuerOpenIDConfiguration',
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        text('application/json'),
      ),
  },
  {
    path: 'openid/v1/jwks',
    make: () =>
      documentOf(
        'openid/v1/jwks',
        'openid',
        'getServiceAccountIssuerOpenIDKeyset',
        'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
        text('application/jwk-set+json'),
      ),
  },
  {
    path: 'version',
    make: (describe) =>
      documentOf(
        'version',
        'version',
        'getCodeVersion',
        'get the version information for this server',
        contentOf(['application/json'], { $ref: `${V3.prefix}${VERSION_INFO}` }),
        { [VERSION_INFO]: versionInfo(describe) },
      ),
  },
]

const ALWAYS = ['major', 'minor', 'gitVersion', 'gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform']
const SOMETIMES = ['emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor']

function versionInfo(describe: Describe | undefined): Json {
  const [whole, fields] = describe?.(VERSION_INFO) ?? ['', {}]
  const property = (name: string): Json => ({
    ...(fields[name] === undefined ? {} : { description: fields[name] }),
    type: 'string',
    ...(ALWAYS.includes(name) ? { default: '' } : {}),
  })
  return {
    ...(whole === '' ? {} : { description: whole }),
    type: 'object',
    required: ALWAYS,
    properties: Object.fromEntries([...ALWAYS, ...SOMETIMES].sort().map((name) => [name, property(name)])),
  }
}

function documentOf(path: string, tag: string, operationId: string, description: string, content: Json, schemas?: Json): Json {
  const responses = { 200: { description: 'OK', content }, 401: { description: 'Unauthorized' } }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: '1.36' },
    paths: { [`/${path}/`]: { get: { tags: [tag], description, operationId, responses } } },
    components: {
      ...(schemas === undefined ? {} : { schemas }),
      securitySchemes: { BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' } },
    },
  }
}
