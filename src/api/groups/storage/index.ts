import type { Resource } from '../../resource.ts'
import { storageClasses } from './storage-class.ts'

export const storageResources = [storageClasses] as unknown as readonly Resource[]
