// For sources written for Genode: its namespace, as another name of ours.
#pragma once
#include "component.h"

namespace Genode = Rtcr;
