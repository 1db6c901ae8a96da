import type { Resource } from '../../resource.ts'
import { resourceClaimTemplates, resourceClaims } from './claim.ts'
import { deviceClasses } from './device-class.ts'
import { resourceSlices } from './slice.ts'

export const resourceResources: readonly Resource[] = [deviceClasses, resourceClaims, resourceClaimTemplates, resourceSlices]
