import { gatewaySuite } from './gateway-suite.ts'
import { nghttpx } from './gateways.ts'

gatewaySuite(nghttpx)
