import type { KubeObject, ResourceRef, meta } from '#api'

/** The kinds of `gateway.networking.k8s.io` as far as they are looked at here. */
export const GROUP = 'gateway.networking.k8s.io'

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number | undefined
  readonly lastTransitionTime?: string | undefined
}

export interface GatewayClass extends KubeObject {
  readonly spec: {
    readonly controllerName: string
    readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string; readonly namespace?: string }
    readonly description?: string
  }
  readonly status?: { readonly conditions?: readonly Condition[]; readonly supportedFeatures?: readonly { readonly name: string }[] }
}

export interface ObjectReference {
  readonly group?: string | undefined
  readonly kind?: string | undefined
  readonly name: string
  readonly namespace?: string | undefined
}

export interface RouteGroupKind {
  readonly group?: string | undefined
  readonly kind: string
}

export interface Listener {
  readonly name: string
  readonly hostname?: string | undefined
  readonly port: number
  readonly protocol: string
  readonly tls?:
    | {
        readonly mode?: string | undefined
        readonly certificateRefs?: readonly ObjectReference[] | undefined
        readonly options?: Readonly<Record<string, string>> | undefined
      }
    | undefined
  readonly allowedRoutes?:
    | {
        readonly namespaces?: { readonly from?: string | undefined; readonly selector?: meta.LabelSelector | undefined } | undefined
        readonly kinds?: readonly RouteGroupKind[] | undefined
      }
    | undefined
}

export interface GatewayAddress {
  readonly type?: string | undefined
  readonly value?: string | undefined
}

export interface ListenerStatus {
  readonly name: string
  readonly supportedKinds: readonly RouteGroupKind[]
  readonly attachedRoutes: number
  readonly conditions: readonly Condition[]
}

export interface GatewayStatus {
  readonly addresses?: readonly GatewayAddress[] | undefined
  readonly conditions?: readonly Condition[] | undefined
  readonly listeners?: readonly ListenerStatus[] | undefined
}

export interface Gateway extends KubeObject {
  readonly spec: {
    readonly gatewayClassName: string
    readonly listeners: readonly Listener[]
    readonly addresses?: readonly GatewayAddress[] | undefined
    readonly infrastructure?: { readonly parametersRef?: ObjectReference | undefined } | undefined
    readonly allowedListeners?: { readonly namespaces?: { readonly from?: string | undefined } | undefined } | undefined
    readonly tls?: object | undefined
  }
  readonly status?: GatewayStatus | undefined
}

export interface ParentReference extends ObjectReference {
  readonly sectionName?: string | undefined
  readonly port?: number | undefined
}

export interface RouteParentStatus {
  readonly parentRef: ParentReference
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

export interface BackendReference extends ObjectReference {
  readonly port?: number | undefined
  readonly weight?: number | undefined
}

/** What all kinds of routes have in common. */
export interface Route extends KubeObject {
  readonly spec: { readonly parentRefs?: readonly ParentReference[] | undefined; readonly hostnames?: readonly string[] | undefined }
  readonly status?: { readonly parents?: readonly RouteParentStatus[] | undefined } | undefined
}

export interface ValueMatch {
  readonly type?: string | undefined
  readonly name: string
  readonly value: string
}

export interface HeaderChanges {
  readonly set?: readonly { readonly name: string; readonly value: string }[] | undefined
  readonly add?: readonly { readonly name: string; readonly value: string }[] | undefined
  readonly remove?: readonly string[] | undefined
}

export interface PathModifier {
  readonly type: string
  readonly replaceFullPath?: string | undefined
  readonly replacePrefixMatch?: string | undefined
}

export interface RouteFilter {
  readonly type: string
  readonly requestHeaderModifier?: HeaderChanges | undefined
  readonly responseHeaderModifier?: HeaderChanges | undefined
  readonly requestRedirect?:
    | {
        readonly scheme?: string | undefined
        readonly hostname?: string | undefined
        readonly path?: PathModifier | undefined
        readonly port?: number | undefined
        readonly statusCode?: number | undefined
      }
    | undefined
  readonly urlRewrite?: { readonly hostname?: string | undefined; readonly path?: PathModifier | undefined } | undefined
  readonly requestMirror?:
    | {
        readonly backendRef: BackendReference
        readonly percent?: number | undefined
        readonly fraction?: { readonly numerator: number; readonly denominator?: number | undefined } | undefined
      }
    | undefined
  readonly cors?:
    | {
        readonly allowOrigins?: readonly string[] | undefined
        readonly allowCredentials?: boolean | undefined
        readonly allowMethods?: readonly string[] | undefined
        readonly allowHeaders?: readonly string[] | undefined
        readonly exposeHeaders?: readonly string[] | undefined
        readonly maxAge?: number | undefined
      }
    | undefined
}

export interface RouteBackend extends BackendReference {
  readonly filters?: readonly RouteFilter[] | undefined
}

export interface HTTPRouteMatch {
  readonly path?: { readonly type?: string | undefined; readonly value?: string | undefined } | undefined
  readonly headers?: readonly ValueMatch[] | undefined
  readonly queryParams?: readonly ValueMatch[] | undefined
  readonly method?: string | undefined
}

export interface HTTPRouteRule {
  readonly name?: string | undefined
  readonly matches?: readonly HTTPRouteMatch[] | undefined
  readonly filters?: readonly RouteFilter[] | undefined
  readonly backendRefs?: readonly RouteBackend[] | undefined
  readonly timeouts?: { readonly request?: string | undefined; readonly backendRequest?: string | undefined } | undefined
  readonly retry?:
    | { readonly codes?: readonly number[] | undefined; readonly attempts?: number | undefined; readonly backoff?: string | undefined }
    | undefined
  readonly sessionPersistence?: object | undefined
}

export interface HTTPRoute extends Route {
  readonly spec: Route['spec'] & { readonly rules?: readonly HTTPRouteRule[] | undefined }
}

export interface GRPCRouteRule {
  readonly name?: string | undefined
  readonly matches?:
    | readonly {
        readonly method?:
          | { readonly type?: string | undefined; readonly service?: string | undefined; readonly method?: string | undefined }
          | undefined
        readonly headers?: readonly ValueMatch[] | undefined
      }[]
    | undefined
  readonly filters?: readonly RouteFilter[] | undefined
  readonly backendRefs?: readonly RouteBackend[] | undefined
  readonly sessionPersistence?: object | undefined
}

export interface GRPCRoute extends Route {
  readonly spec: Route['spec'] & { readonly rules?: readonly GRPCRouteRule[] | undefined }
}

export interface TLSRoute extends Route {
  readonly spec: Route['spec'] & { readonly rules: readonly { readonly backendRefs?: readonly BackendReference[] | undefined }[] }
}

export interface ReferenceGrant extends KubeObject {
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[]
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string | undefined }[]
  }
}

export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentReference
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

export interface BackendTLSPolicy extends KubeObject {
  readonly spec: {
    readonly targetRefs: readonly { readonly group: string; readonly kind: string; readonly name: string; readonly sectionName?: string }[]
    readonly validation: {
      readonly hostname: string
      readonly caCertificateRefs?: readonly { readonly group: string; readonly kind: string; readonly name: string }[]
      readonly wellKnownCACertificates?: string
      readonly subjectAltNames?: readonly object[]
    }
    readonly options?: Readonly<Record<string, string>>
  }
  readonly status?: { readonly ancestors?: readonly PolicyAncestorStatus[] | undefined } | undefined
}

function ref<T extends KubeObject>(kind: string, plural: string, version = 'v1', namespaced = true): ResourceRef<T> {
  return { group: GROUP, version, kind, plural, namespaced }
}

export const gatewayRefs = {
  classes: ref<GatewayClass>('GatewayClass', 'gatewayclasses', 'v1', false),
  gateways: ref<Gateway>('Gateway', 'gateways'),
  httpRoutes: ref<HTTPRoute>('HTTPRoute', 'httproutes'),
  grpcRoutes: ref<GRPCRoute>('GRPCRoute', 'grpcroutes'),
  tlsRoutes: ref<TLSRoute>('TLSRoute', 'tlsroutes'),
  grants: ref<ReferenceGrant>('ReferenceGrant', 'referencegrants', 'v1beta1'),
  backendTLSPolicies: ref<BackendTLSPolicy>('BackendTLSPolicy', 'backendtlspolicies'),
} as const

export const keyOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
