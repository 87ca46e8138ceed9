plan.arena @ring kind staging on gpu in ram bytes <all = 65536> live <all = 65536>
plan.arena @staging kind staging on gpu in gpu bytes <all = 16384> live <all = 16384>
plan.budget gpu bytes 16777216 reserved 1048576 head_room 1048576
plan.budget ram bytes 16777216 reserved 1048576 head_room 1048576
plan.budget disk bytes 0 reserved 0 head_room 0
plan.host_layers from 2 of 4
plan.experts layers 1 count 1 of 8 gpu <0 to 2, 6> ram <3, 5> disk <4, 7> pinned <3> slots 1 decode_gpu <0 to 2, 6> prompt_gpu <0 to 7>
plan.experts layers 2 count 2 of 8 gpu <> ram <0, 2 to 4> disk <1, 5 to 7> pinned <> slots 4 decode_gpu <> prompt_gpu <0 to 7>
